// SPDX-License-Identifier: LGPL-2.1-or-later
// Trees made to harm whoever looks at them or starts them: one list for all suites.
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace machinist::testing {

struct HostileTree {
    std::string name; // words, for people: "dev is a link out"
    // Turns a tree (empty, or one that would start) into this one. outside: the absolute path of a directory of the
    // host that must stay as it is, see make_outside(); the tree's links lead there.
    std::function<void(BorrowedFd tree, const std::filesystem::path& outside)> make;
    bool needs_root = false;
};

const std::vector<HostileTree>& hostile_trees();

// What the links lead to: every file and directory that a machine's start might read, write or mount on.
void make_outside(const std::filesystem::path& directory);
// Everything below directory in words (kind, mode, owner, size, contents, time of change): equal means untouched.
std::string description_of(const std::filesystem::path& directory);

// In files outside; whoever shows one of these has left the tree.
inline constexpr const char* outside_id = "outside-of-the-tree";
inline constexpr const char* outside_machine_id = "5ec7e75ec7e75ec7e75ec7e75ec7e75e";

// The name as an identifier, for a test's parameter.
std::string identifier_of(const HostileTree& tree);

} // namespace machinist::testing
