// SPDX-License-Identifier: LGPL-2.1-or-later
// What is done in the machine's network once its links are there: second names, and the addresses of the main link.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/network_plan.hpp"

namespace machinist {

// From outside, so that it needs nothing of the machine's and nothing of it can be in the way.
void finish_main_link(const NetworkSpec& network, const NetworkPlan& plan, BorrowedFd machine_network);

} // namespace machinist
