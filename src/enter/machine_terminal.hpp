// SPDX-License-Identifier: LGPL-2.1-or-later
// Terminals of a machine's own devpts (rule R8).
#pragma once

#include "base/unique_fd.hpp"

namespace machinist::enter {

// A new master. Its slave belongs to the filesystem user of this process, and is open nowhere yet.
// Throws Failure(hostile) if what lies at the machine's /dev/pts is no devpts.
UniqueFd open_master_in_machine(BorrowedFd root);

} // namespace machinist::enter
