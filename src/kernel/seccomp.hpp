// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads a syscall filter into the calling process.
#pragma once

#include <linux/filter.h>
#include <span>

namespace machinist {

// For this thread and all that it starts, for ever. Needs CAP_SYS_ADMIN in the user namespace or no_new_privs, so it
// comes before the capabilities are dropped. An empty program loads nothing.
void load_syscall_filter(std::span<const sock_filter> program);

} // namespace machinist
