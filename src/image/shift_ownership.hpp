// SPDX-License-Identifier: LGPL-2.1-or-later
// Recursive change of owners to a range of ids, for filesystems that cannot map them in the mount.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>

namespace machinist {

// The owner of a tree's top while the rest is being changed, as systemd-nspawn marks it: whoever finds it finishes.
inline constexpr std::uint32_t busy_owner = 0xfffe0000;

// Every id becomes base + its lower 16 bits: owners, groups and those in POSIX access lists. Modes and file
// capabilities stay. Links are not followed and no other mount is entered, so root should be a copy of the mount
// without those below. The top comes last; if it is right already, nothing is done. True if something was done.
bool shift_ownership(BorrowedFd root, std::uint32_t base);

} // namespace machinist
