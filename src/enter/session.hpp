// SPDX-License-Identifier: LGPL-2.1-or-later
// One command in a machine, seen from the host: its start, its streams, its signals, its end.
#pragma once

#include "base/failure.hpp"
#include "enter/order.hpp"

#include <optional>
#include <sys/resource.h>

namespace machinist::enter {

struct Outcome {
    int status = 0;                 // for exit(3)
    std::optional<Failure> failure; // to be told beforehand
    rusage used{};                  // by the command and the children it waited for
};

// Blocks signals for good: they go to the command.
Outcome run_session(const Order& order);

} // namespace machinist::enter
