// SPDX-License-Identifier: LGPL-2.1-or-later
// Who could have put a file where it was found: every directory and link on the way to it counts, not its name.
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>

namespace machinist {

// True if what was opened by that path is what the path leads to, and if it, every directory and every link on the way
// belong to root or to the caller, and nobody else may write to them. Directories that others may write to count where
// they keep each other's files (mode 1000).
bool is_way_of_root(const std::filesystem::path& path, BorrowedFd opened);

} // namespace machinist
