// SPDX-License-Identifier: LGPL-2.1-or-later
// From an order to the transfer that it means.
#pragma once

#include "transfer/program/order.hpp"
#include "transfer/progress_meter.hpp"

#include <string>

namespace machinist {

// Returns what has been done, for people. Throws Failure.
std::string carry_out(const TransferOrder& order, ProgressMeter& meter);

} // namespace machinist
