// SPDX-License-Identifier: LGPL-2.1-or-later
// From the launcher to the supervisor program by exec, and back when the machine reboots in place.
#pragma once

#include "supervisor/start_context.hpp"

namespace machinist {

// Number of sockets that socket activation has handed to this process (sd_listen_fds(3)), from descriptor 3.
int take_listen_fds();

// Writes the orders, keeps open what they name, and executes the supervisor program in our place.
// Returns only by a Failure.
void hand_over_to_supervisor(Start& start);

// What the next start of the same machine begins with. Failure(internal) for orders that are none.
Start take_back_from_supervisor(int orders_descriptor);

} // namespace machinist
