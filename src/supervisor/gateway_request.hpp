// SPDX-License-Identifier: LGPL-2.1-or-later
// What the launcher asks of machinist-gateway: addresses before the machine has a link, and to see to it afterwards.
// Machines that need nothing of it cost nothing here.
#pragma once

#include "supervisor/start_context.hpp"

namespace machinist {

// Puts addresses, gateways and name servers into the spec, unless it has some. What cannot be had is a warning.
void ask_for_addresses(Start& start);

// The machine's run directory says all about it by now. Ports that cannot be forwarded are a failure.
void have_network_seen_to(Start& start);

} // namespace machinist
