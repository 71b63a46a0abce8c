// SPDX-License-Identifier: LGPL-2.1-or-later
// Filesystems whose files are the kernel: nothing is copied from or to them, lest a link of the machine's makes a
// copy act on the host (rule R3).
#pragma once

#include "base/unique_fd.hpp"

namespace machinist::enter {

// Its name, or nullptr. directory or file: also one that is only a path (O_PATH).
const char* pseudo_filesystem_of(BorrowedFd file);

// Throws Failure(not_supported) naming it.
void refuse_pseudo_filesystem(BorrowedFd file);

} // namespace machinist::enter
