// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks at locks without taking them: a lock taken to look would make others believe that somebody has it.
#pragma once

#include "base/unique_fd.hpp"

namespace machinist {

// Somebody holds a lock of any kind on the file. Needs /proc; not for files on btrfs, whose device number there is
// another one than stat(2) tells.
bool is_locked(BorrowedFd file);

} // namespace machinist
