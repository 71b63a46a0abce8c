// SPDX-License-Identifier: LGPL-2.1-or-later
// Puts the entries of an archive into a directory. Every name is taken beneath it, one component after the other, and
// no symbolic link is ever followed; what stands where an entry is to be is replaced, never written through (rule R14).
#pragma once

#include "base/unique_fd.hpp"
#include "transfer/extraction_limits.hpp"
#include "transfer/tar_entry.hpp"

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

class TreeWriter {
public:
    using Warn = std::function<void(std::string_view sentence)>;

    // root: of a tree that nobody else writes to; must stay open.
    TreeWriter(BorrowedFd root, const ExtractionLimits& limits, Warn warn);

    // Where an entry is to be: name is one component, empty for the root itself.
    struct Place {
        BorrowedFd directory; // good until the next call
        std::string name;
        std::vector<std::string> components;
    };
    // Directories on the way are made. Failure(hostile) for a path that is absolute, has "..", or leads through
    // something that is no directory.
    Place place_of(std::string_view path);

    // A new file, for writing; its attributes are given when it is written.
    UniqueFd make_file(const Place& place);
    void give_attributes(BorrowedFd file, const EntryAttributes& attributes);

    void make_directory(const Place& place, const EntryAttributes& attributes);
    void make_symlink(const Place& place, const TarEntry& entry);
    // target: a path of the archive.
    void make_hard_link(const Place& place, std::string_view target);
    // A fifo, socket or device. One that this process may not make is left out with a warning: machines get their
    // devices elsewhere.
    void make_node(const Place& place, const TarEntry& entry);
    // A character device 0:0, which in a layer hides what is below; not in the place of something of this layer.
    void make_whiteout(BorrowedFd directory, const std::string& name);
    // Marks a directory as hiding all that is below it.
    void make_opaque(BorrowedFd directory);

    // Attributes of directories, which making things in them would change again.
    void finish();

private:
    struct Level {
        std::string name;
        UniqueFd directory;
    };
    struct Finish {
        std::vector<std::string> components;
        EntryAttributes attributes;
    };

    BorrowedFd enter(const std::vector<std::string>& components, std::size_t count, bool make);
    UniqueFd open_level(BorrowedFd parent, const std::string& name, bool make) const;
    void clear(const Place& place);
    template <typename Make>
    void make_new(const Place& place, const char* what, Make make);
    void give_attributes_at(const Place& place, const EntryAttributes& attributes, bool with_mode);
    // name_in_it: of something in a directory; empty: the file itself.
    void set_extended(BorrowedFd file, const std::string& name_in_it, const EntryAttributes& attributes);
    void warn_once(const std::string& key, const std::string& sentence);

    BorrowedFd root_;
    ExtractionLimits limits_;
    Warn warn_;
    std::vector<Level> levels_; // directories from below the root to where the last entry was
    std::vector<Finish> unfinished_;
    std::set<std::string> warned_;
};

} // namespace machinist
