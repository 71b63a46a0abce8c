// SPDX-License-Identifier: LGPL-2.1-or-later
// The start of the process that goes in.
#pragma once

#include "enter/leader_view.hpp"
#include "enter/order.hpp"

namespace machinist::enter {

struct Arrival {
    Pidfd process;
    UniqueFd told; // the host's end of the socket of report.hpp
};

// Children of the calling process are the machine's from here on. Throws Failure.
Arrival start_newcomer(const Order& order, const LeaderView& leader);

} // namespace machinist::enter
