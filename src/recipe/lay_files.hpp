// SPDX-License-Identifier: LGPL-2.1-or-later
// The files that a recipe brings along: what they are, and how they come into a tree.
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <string>

namespace machinist {

// Directories, regular files and links of source appear in the tree, in the place of what was there; they belong to
// root. Of the modes only whether a file can be executed counts, as in a version control. Nothing is written outside of
// the tree, whatever links it has.
void lay_files(const std::filesystem::path& source, BorrowedFd tree);

// The same files give the same text, others another.
std::string account_of_files(const std::filesystem::path& source);

} // namespace machinist
