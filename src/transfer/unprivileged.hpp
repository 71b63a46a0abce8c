// SPDX-License-Identifier: LGPL-2.1-or-later
// Work on bytes of others is done by processes that may do nothing else (rule R16).
#pragma once

#include "base/unique_fd.hpp"

#include <string>
#include <sys/types.h>
#include <vector>

namespace machinist {

// The calling process keeps no descriptors but these and the first three, which lead nowhere from then on, and no
// handlers of signals.
void stand_alone(const std::vector<BorrowedFd>& kept);
// It is nobody's, if it was root's.
void become_nobody();
// It ends when the process of this number does, its parent. A change of users takes it back.
void end_with(pid_t parent);

// All of that, for good; files are read as nobody may, and none is changed. Programs are executed where they are to be.
void become_unprivileged(const std::vector<BorrowedFd>& kept, pid_t parent, bool may_execute);

// Runs a program of the host like that, with files as its further arguments, by paths that lead to the descriptors. Its
// output is thrown away. Returns its exit status. Throws Failure(not_supported) if it is not installed.
int run_unprivileged(std::vector<std::string> arguments, const std::vector<BorrowedFd>& files);

} // namespace machinist
