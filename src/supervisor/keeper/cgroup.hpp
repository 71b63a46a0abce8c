// SPDX-License-Identifier: LGPL-2.1-or-later
// The end of a machine's cgroup: kill what is in it, wait until it is empty, remove it from the bottom up.
#pragma once

#include "base/unique_fd.hpp"
#include "supervisor/keeper/clock.hpp"

namespace machinist::keeper {

// At once and for everything below, also what forks meanwhile (cgroup.kill).
bool kill_cgroup(BorrowedFd directory);
// What somebody froze goes on.
void thaw_cgroup(BorrowedFd directory);
// False if processes are left at that point in time.
bool wait_until_cgroup_is_empty(BorrowedFd directory, Milliseconds until);

// Kills and removes all below it; controllers that the machine switched on for them are off again, so that a process
// can be born in it. The directory itself stays.
bool reset_cgroup(BorrowedFd directory);

// Kills all in it and removes it. Missing is success; on failure errno says why.
bool remove_cgroup(const char* path);

} // namespace machinist::keeper
