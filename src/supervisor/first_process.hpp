// SPDX-License-Identifier: LGPL-2.1-or-later
// Process 1 of the machine, from its birth to the moment it may go.
#pragma once

#include "supervisor/start_context.hpp"

namespace machinist {

// Born in its cgroup and in all namespaces but the mount namespace, which it still shares with us.
void clone_first_process(Start& start);

// Limits, priorities and processors: set from outside, where the rights for it are.
void limit_first_process(const Start& start);

void return_to_the_hosts_mounts(Start& start);

} // namespace machinist
