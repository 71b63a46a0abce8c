// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/tree_writer.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

std::vector<std::string> components_of(std::string_view path, const ExtractionLimits& limits) {
    if (path.starts_with('/'))
        throw Failure{FailureKind::hostile, "its name is absolute"};
    std::vector<std::string> components;
    for (const std::string_view part : split(path, '/')) {
        if (part.empty() || part == ".")
            continue;
        if (part == "..")
            throw Failure{FailureKind::hostile, "its name leads out of the archive by '..'"};
        if (part.size() > NAME_MAX)
            throw Failure{FailureKind::hostile, "a part of its name has more than 255 bytes"};
        components.emplace_back(part);
    }
    if (components.size() > limits.depth)
        throw Failure{FailureKind::hostile, "it lies more than " + std::to_string(limits.depth) + " directories deep"};
    return components;
}

// Of a link or node, which cannot be opened. By the current directory: no file system of processes is needed for it.
int set_attribute_at(BorrowedFd directory, const std::string& name, const std::string& attribute,
                     const std::string& value) {
    const UniqueFd before{::open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!before || ::fchdir(directory.get()) < 0)
        return -1;
    const int result = ::lsetxattr(name.c_str(), attribute.c_str(), value.data(), value.size(), 0);
    const int error_number = errno;
    if (::fchdir(before.get()) < 0)
        return -1;
    errno = error_number;
    return result;
}

mode_t type_bits(EntryType type) {
    switch (type) {
    case EntryType::fifo: return S_IFIFO;
    case EntryType::socket: return S_IFSOCK;
    case EntryType::block_device: return S_IFBLK;
    default: return S_IFCHR;
    }
}

} // namespace

TreeWriter::TreeWriter(BorrowedFd root, const ExtractionLimits& limits, Warn warn)
    : root_(root), limits_(limits), warn_(std::move(warn)) {}

void TreeWriter::warn_once(const std::string& key, const std::string& sentence) {
    if (warned_.size() < 64 && warned_.insert(key).second && warn_)
        warn_(sentence);
}

UniqueFd TreeWriter::open_level(BorrowedFd parent, const std::string& name, bool make) const {
    UniqueFd directory{::openat(parent.get(), name.c_str(), directory_flags)};
    if (!directory && errno == ENOENT && make) {
        if (::mkdirat(parent.get(), name.c_str(), 0755) < 0)
            throw system_failure("make directory '" + escaped_for_people(name) + "'");
        directory = UniqueFd{::openat(parent.get(), name.c_str(), directory_flags)};
    }
    if (directory)
        return directory;
    if (errno == ELOOP || errno == ENOTDIR)
        throw Failure{FailureKind::hostile,
                      "it leads through '" + escaped_for_people(name) + "', which is no directory"};
    throw system_failure("open directory '" + escaped_for_people(name) + "'");
}

BorrowedFd TreeWriter::enter(const std::vector<std::string>& components, std::size_t count, bool make) {
    // Archives list a directory after the other: most of the way is open already.
    std::size_t shared = 0;
    while (shared < count && shared < levels_.size() && levels_[shared].name == components[shared])
        ++shared;
    levels_.resize(shared);
    for (std::size_t at = shared; at < count; ++at) {
        const BorrowedFd parent = levels_.empty() ? root_ : BorrowedFd{levels_.back().directory};
        UniqueFd directory = open_level(parent, components[at], make);
        levels_.push_back({components[at], std::move(directory)});
    }
    return levels_.empty() ? root_ : BorrowedFd{levels_.back().directory};
}

TreeWriter::Place TreeWriter::place_of(std::string_view path) {
    Place place;
    place.components = components_of(path, limits_);
    if (place.components.empty()) {
        place.directory = root_;
        return place;
    }
    place.name = place.components.back();
    place.directory = enter(place.components, place.components.size() - 1, true);
    return place;
}

void TreeWriter::clear(const Place& place) {
    if (place.name.empty())
        throw Failure{FailureKind::hostile, "it takes the place of the archive's own root"};
    // What is open below may be what goes.
    levels_.resize(std::min(levels_.size(), place.components.size() - 1));
    if (::unlinkat(place.directory.get(), place.name.c_str(), 0) == 0 || errno == ENOENT)
        return;
    if (errno != EISDIR && errno != EPERM)
        throw system_failure("replace it");
    if (::unlinkat(place.directory.get(), place.name.c_str(), AT_REMOVEDIR) == 0)
        return;
    if (errno == ENOTEMPTY || errno == EEXIST)
        throw Failure{FailureKind::hostile, "it takes the place of a directory that is not empty"};
    throw system_failure("replace it");
}

template <typename Make>
void TreeWriter::make_new(const Place& place, const char* what, Make make) {
    if (place.name.empty())
        clear(place);
    if (make() == 0)
        return;
    if (errno == EEXIST) {
        clear(place);
        if (make() == 0)
            return;
    }
    throw system_failure(what);
}

UniqueFd TreeWriter::make_file(const Place& place) {
    UniqueFd file;
    make_new(place, "make the file", [&] {
        file = UniqueFd{::openat(place.directory.get(), place.name.c_str(),
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
        return file ? 0 : -1;
    });
    return file;
}

void TreeWriter::set_extended(BorrowedFd file, const std::string& name_in_it, const EntryAttributes& attributes) {
    for (const auto& [name, value] : attributes.extended) {
        const int result = name_in_it.empty() ? ::fsetxattr(file.get(), name.c_str(), value.data(), value.size(), 0)
                                              : set_attribute_at(file, name_in_it, name, value);
        if (result == 0)
            continue;
        // Attributes are a matter of the filesystem, and of the host's security modules. But an access list that is
        // dropped gives less or more rights than its owner wanted, and so does a capability.
        const bool is_about_rights = name == "security.capability" || name.starts_with("system.");
        if (is_about_rights || (errno != EOPNOTSUPP && errno != EPERM && errno != EINVAL))
            throw system_failure("set its attribute '" + name + "'");
        warn_once(name, "attribute '" + escaped_for_people(name) + "' cannot be kept here: " + ::strerror(errno));
    }
}

void TreeWriter::give_attributes(BorrowedFd file, const EntryAttributes& attributes) {
    // The owner first: it takes set-id bits and capabilities away.
    if (::fchown(file.get(), attributes.owner, attributes.group) < 0)
        throw system_failure("give it to user " + std::to_string(attributes.owner));
    if (::fchmod(file.get(), attributes.mode) < 0)
        throw system_failure("set its mode");
    set_extended(file, "", attributes);
    if (attributes.modified) {
        const timespec times[]{*attributes.modified, *attributes.modified};
        if (::futimens(file.get(), times) < 0)
            throw system_failure("set its time");
    }
}

void TreeWriter::give_attributes_at(const Place& place, const EntryAttributes& attributes, bool with_mode) {
    const int directory = place.directory.get();
    const char* name = place.name.c_str();
    if (::fchownat(directory, name, attributes.owner, attributes.group, AT_SYMLINK_NOFOLLOW) < 0)
        throw system_failure("give it to user " + std::to_string(attributes.owner));
    // Only for what was made right before and is no link.
    if (with_mode && ::fchmodat(directory, name, attributes.mode, 0) < 0)
        throw system_failure("set its mode");
    set_extended(place.directory, place.name, attributes);
    if (attributes.modified) {
        const timespec times[]{*attributes.modified, *attributes.modified};
        if (::utimensat(directory, name, times, AT_SYMLINK_NOFOLLOW) < 0)
            throw system_failure("set its time");
    }
}

void TreeWriter::make_directory(const Place& place, const EntryAttributes& attributes) {
    if (!place.name.empty() && ::mkdirat(place.directory.get(), place.name.c_str(), 0755) < 0) {
        if (errno != EEXIST)
            throw system_failure("make the directory");
        struct stat status {};
        if (::fstatat(place.directory.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
            throw system_failure("look at what is there");
        if (!S_ISDIR(status.st_mode)) {
            clear(place);
            if (::mkdirat(place.directory.get(), place.name.c_str(), 0755) < 0)
                throw system_failure("make the directory");
        }
    }
    unfinished_.push_back({place.components, attributes});
}

void TreeWriter::make_symlink(const Place& place, const TarEntry& entry) {
    if (entry.link_target.empty())
        throw Failure{FailureKind::hostile, "it is a symbolic link to nowhere"};
    make_new(place, "make the symbolic link",
             [&] { return ::symlinkat(entry.link_target.c_str(), place.directory.get(), place.name.c_str()); });
    give_attributes_at(place, entry.attributes, false);
}

void TreeWriter::make_hard_link(const Place& place, std::string_view target) {
    const auto components =
        doing("its target '" + escaped_for_people(target) + "'", [&] { return components_of(target, limits_); });
    if (components.empty())
        throw Failure{FailureKind::hostile, "it is a hard link to a directory"};
    if (components == place.components)
        return;
    UniqueFd opened;
    BorrowedFd directory = root_;
    for (std::size_t at = 0; at + 1 < components.size(); ++at) {
        opened = open_level(directory, components[at], false);
        directory = opened;
    }
    struct stat status {};
    if (::fstatat(directory.get(), components.back().c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
        throw Failure{FailureKind::hostile, "it is a hard link to '" + escaped_for_people(target) +
                                                "', which is not in the archive before it"};
    if (S_ISDIR(status.st_mode))
        throw Failure{FailureKind::hostile, "it is a hard link to a directory"};
    make_new(place, "make the hard link", [&] {
        return ::linkat(directory.get(), components.back().c_str(), place.directory.get(), place.name.c_str(), 0);
    });
}

void TreeWriter::make_node(const Place& place, const TarEntry& entry) {
    const dev_t device = ::makedev(entry.device_major, entry.device_minor);
    const bool is_device = entry.type == EntryType::character_device || entry.type == EntryType::block_device;
    try {
        make_new(place, "make the node", [&] {
            return ::mknodat(place.directory.get(), place.name.c_str(), type_bits(entry.type) | 0600,
                             is_device ? device : 0);
        });
    } catch (const Failure& failure) {
        if (!is_device || failure.error_number() != EPERM)
            throw;
        warn_once("node", "devices cannot be made here and are left out");
        return;
    }
    give_attributes_at(place, entry.attributes, true);
}

void TreeWriter::make_whiteout(BorrowedFd directory, const std::string& name) {
    if (name.empty() || name == "." || name == ".." || name.size() > NAME_MAX)
        throw Failure{FailureKind::hostile, "it hides what has no name"};
    if (::mknodat(directory.get(), name.c_str(), S_IFCHR, ::makedev(0, 0)) < 0 && errno != EEXIST)
        throw system_failure("make a whiteout");
}

void TreeWriter::make_opaque(BorrowedFd directory) {
    if (::fsetxattr(directory.get(), "trusted.overlay.opaque", "y", 1, 0) < 0)
        throw system_failure("mark the directory as opaque");
}

void TreeWriter::finish() {
    for (const Finish& one : unfinished_) {
        BorrowedFd directory = root_;
        try {
            directory = enter(one.components, one.components.size(), false);
        } catch (const Failure& failure) {
            // A later entry of the archive took its place.
            if (failure.kind() == FailureKind::hostile || failure.kind() == FailureKind::not_found)
                continue;
            throw;
        }
        doing("directory '" + escaped_for_people(joined(one.components, "/")) + "'",
              [&] { give_attributes(directory, one.attributes); });
    }
    unfinished_.clear();
    levels_.clear();
}

} // namespace machinist
