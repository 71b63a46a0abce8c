// SPDX-License-Identifier: LGPL-2.1-or-later
// The launcher's hold on a machine's run directory: its name, and the list of what to undo.
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace machinist {

class RunDirectory {
public:
    RunDirectory() = default;

    // Makes and locks the directory of this key. What a dead machine of the same key left is undone first, so a name
    // is free as soon as its machine has died. Failure(already_exists) while that machine lives.
    static RunDirectory acquire(const std::string& key, const std::filesystem::path& undo_program);
    // The one that a machine which starts again still holds.
    static RunDirectory adopt(UniqueFd directory, UniqueFd lock, std::filesystem::path path, std::string undo);

    // Before the thing is made: a line too many is harmless, one too few leaves something behind.
    void will_undo(const std::string& line);
    void will_undo(const std::vector<std::string>& lines);
    // A file of the directory, whole.
    void write(const std::string& name, std::string_view text) const;
    void link(const std::string& name, const std::string& target) const;

    [[nodiscard]] const std::filesystem::path& path() const {
        return path_;
    }
    [[nodiscard]] BorrowedFd directory() const {
        return directory_;
    }
    [[nodiscard]] BorrowedFd lock() const {
        return lock_;
    }
    [[nodiscard]] const std::string& undo() const {
        return undo_;
    }
    // Lets go of the lock, so that the undo program can take it.
    void release_lock() {
        lock_.reset();
    }
    explicit operator bool() const {
        return static_cast<bool>(directory_);
    }

private:
    UniqueFd directory_;
    UniqueFd lock_;
    UniqueFd undo_file_;
    std::filesystem::path path_;
    std::string undo_;
};

} // namespace machinist
