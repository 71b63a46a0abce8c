// SPDX-License-Identifier: LGPL-2.1-or-later
// Landlock: what the calling process can do with files no longer, whoever's rights it has.
#pragma once

#include "base/unique_fd.hpp"

namespace machinist::landlock {

// Of the kernel's interface; 0 where it has none, or none of it is turned on.
int version();

// The calling thread and all that it starts, for ever; all need no_new_privs. False where the kernel has no Landlock
// that can do it: then nothing has changed.

// Files are found, made and changed beneath this directory only; nothing is executed.
bool keep_to_directory(BorrowedFd directory);
// Files are read as before, but none is made, changed or removed by its name. may_execute: programs run as before.
bool change_no_files(bool may_execute);

} // namespace machinist::landlock
