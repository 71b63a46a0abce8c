// SPDX-License-Identifier: LGPL-2.1-or-later
// What is in a regular file, its attributes included, from one descriptor to another.
#pragma once

#include "base/unique_fd.hpp"

#include <sys/types.h>

namespace machinist::enter {

// At most size bytes: a file that grows meanwhile, or has no end, stops there. Shares extents where the filesystem
// can, and keeps holes. into is new and empty.
void copy_contents(BorrowedFd from, BorrowedFd into, off_t size);

// Those of the "user." space, as far as the other filesystem takes them. Others mean something to the kernel.
void copy_user_attributes(BorrowedFd from, BorrowedFd into);

} // namespace machinist::enter
