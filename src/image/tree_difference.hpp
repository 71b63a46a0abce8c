// SPDX-License-Identifier: LGPL-2.1-or-later
// What differs between two trees: files by what stat(2) tells, packages by the databases of their managers.
#pragma once

#include "base/enum_names.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace machinist {

enum class Change { added, removed, changed };
inline constexpr EnumNames<Change, 3> change_names{
    {{Change::added, "added"}, {Change::removed, "removed"}, {Change::changed, "changed"}}};

struct FileChange {
    Change change = Change::changed;
    std::string path; // "/etc/passwd"; "/etc/cron.d/" is a directory, which stands for all below if added or removed
};

struct PackageChange {
    Change change = Change::changed;
    std::string name; // "bash:amd64"
    std::string before;
    std::string now; // versions
};

struct Tree {
    BorrowedFd root;
    std::uint32_t first_id = 0; // what its users have on the host begins here
};

// In the order of paths. What is mounted in either tree is left out, links are not followed. Failure(hostile) for a
// tree that is deeper, or has more entries, than any system.
std::vector<FileChange> compare_files(const Tree& before, const Tree& now);
std::vector<PackageChange> compare_packages(BorrowedFd before, BorrowedFd now);

} // namespace machinist
