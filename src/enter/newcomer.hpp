// SPDX-License-Identifier: LGPL-2.1-or-later
// The process that goes in: from the host, by named stages, to the exec of the command.
#pragma once

#include "enter/leader_view.hpp"
#include "enter/order.hpp"

namespace machinist::enter {

// In the child of a clone that was made after joining the machine's pid namespace; told is a socket of report.hpp.
// Never returns: failures go to the socket, the exit status is then of no interest.
[[noreturn]] void go_in(const Order& order, const LeaderView& leader, UniqueFd told);

} // namespace machinist::enter
