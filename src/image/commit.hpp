// SPDX-License-Identifier: LGPL-2.1-or-later
// A new image from a tree that is in use.
#pragma once

#include "base/unique_fd.hpp"
#include "image/pool.hpp"

#include <string_view>

namespace machinist {

// A copy of what lies on root's own filesystem, there whole or not at all; owners begin at 0 again. Whoever writes to
// the tree must be kept from it.
void commit_tree(const Pool& pool, BorrowedFd root, std::string_view new_name);

} // namespace machinist
