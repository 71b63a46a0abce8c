// SPDX-License-Identifier: LGPL-2.1-or-later
// Takes the launcher's orders from their memfd, and gives them on when the machine starts again.
#pragma once

#include "base/unique_fd.hpp"
#include "supervisor/keeper_orders.h"

namespace machinist::keeper {

// False (and said why) if the descriptor holds no orders of ours.
bool read_orders(UniqueFd memfd, keeper_orders& orders);

// All but stdio and what the orders name; what stays is close-on-exec.
void close_all_but(const keeper_orders& orders);

// Replaces us by the launcher for the machine's next start, with the same orders less what belonged to this one.
// Returns only on failure, which it reports.
void start_again(keeper_orders orders);

} // namespace machinist::keeper
