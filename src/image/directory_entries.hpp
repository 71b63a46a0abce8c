// SPDX-License-Identifier: LGPL-2.1-or-later
// The entries of a directory of a tree that is not trusted.
#pragma once

#include "base/unique_fd.hpp"

#include <optional>
#include <string>
#include <vector>

namespace machinist {

// name of parent, opened for listing; nothing if it is no directory (any more), or another mount.
std::optional<UniqueFd> enter_directory(BorrowedFd parent, const std::string& name);

// Sorted, without "." and "..". Failure(hostile) above most.
std::vector<std::string> sorted_entries(BorrowedFd directory, std::size_t most);

} // namespace machinist
