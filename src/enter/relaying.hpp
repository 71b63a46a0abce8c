// SPDX-License-Identifier: LGPL-2.1-or-later
// The caller's terminal connected to one of a machine on which something runs that is no child of this process.
#pragma once

#include "enter/order.hpp"

namespace machinist::enter {

// Until the other end is closed, the machine ends, the caller leaves by ^] or this process is told to end.
// Blocks signals for good.
int relay_terminal(const Order& order);

} // namespace machinist::enter
