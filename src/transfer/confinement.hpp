// SPDX-License-Identifier: LGPL-2.1-or-later
// The walls around a process that meets foreign bytes: its root directory, Landlock, no namespaces of the host's that
// talk, few capabilities, a filter of system calls.
#pragma once

#include "base/unique_fd.hpp"

#include <sys/types.h>
#include <vector>

namespace machinist {

// For the calling process, for good; it ends with its parent. tree and files are as in Confinement; the descriptor of
// tree leads to the new root from then on. Walls that the kernel does not have, or that only root can build, are left
// out; any other failure is thrown.
void confine(BorrowedFd tree, const std::vector<BorrowedFd>& files, pid_t parent);

} // namespace machinist
