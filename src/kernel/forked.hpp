// SPDX-License-Identifier: LGPL-2.1-or-later
// A copy of the calling process, held from its first moment.
#pragma once

#include "kernel/pidfd.hpp"

#include <cstdint>

namespace machinist {

// Nothing in the copy. flags: further ones of clone3(2). cgroup: where it is born, if given; moving it later waits for
// a grace period of the kernel, many milliseconds. Throws Failure.
Pidfd fork_held(std::uint64_t flags = 0, BorrowedFd cgroup = {});

} // namespace machinist
