// SPDX-License-Identifier: LGPL-2.1-or-later
// Archives of systems often hold the system in one directory: it is the tree then.
#pragma once

#include "base/unique_fd.hpp"

namespace machinist {

// If root holds nothing but one directory with a system in it ("usr", or "bin" and "etc"), what is in that becomes what
// is in root, with its owner, mode and time. True if it did.
bool lift_os_tree(BorrowedFd root);

} // namespace machinist
