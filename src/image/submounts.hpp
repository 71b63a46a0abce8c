// SPDX-License-Identifier: LGPL-2.1-or-later
// What is mounted below a directory, in this mount namespace.
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <string_view>
#include <vector>

namespace machinist {

// Relative to directory, each mount point once, parents before children.
std::vector<std::filesystem::path> submounts_below(BorrowedFd directory);

// Pure: the same from the text of /proc/self/mountinfo, for a directory's path.
std::vector<std::filesystem::path> submounts_in(std::string_view mountinfo, const std::filesystem::path& directory);

} // namespace machinist
