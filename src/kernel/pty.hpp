// SPDX-License-Identifier: LGPL-2.1-or-later
// A pseudo terminal of a given devpts instance.
#pragma once

#include "base/unique_fd.hpp"

namespace machinist {

struct Pty {
    UniqueFd master;
    UniqueFd slave;
    int number = 0; // its name is pts/NUMBER in that instance
};

// devpts: the root directory of the instance. The slave's owner is the caller's filesystem user.
Pty open_pty(BorrowedFd devpts);

// The two steps of it. The slave is opened by its master, not by a path: nothing can be put in between.
UniqueFd open_pty_master(BorrowedFd devpts);
UniqueFd open_pty_slave(BorrowedFd master);
int pty_number(BorrowedFd master);

} // namespace machinist
