// SPDX-License-Identifier: LGPL-2.1-or-later
// Whole copies of a tree, sharing extents where the filesystem can.
#pragma once

#include "base/unique_fd.hpp"

#include <string>

namespace machinist {

// True if files of source and files in parent can share extents (FICLONE).
bool can_share_extents(BorrowedFd source, BorrowedFd parent);

enum class Extents { shared, shared_if_possible };

// name appears in parent, with everything below source: owners, modes, times, links, nodes, attributes, but no other
// filesystem mounted in it. Done by the host's cp(1). On failure a part of it may be there.
void copy_tree(BorrowedFd source, BorrowedFd parent, const std::string& name, Extents extents);

} // namespace machinist
