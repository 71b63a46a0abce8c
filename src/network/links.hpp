// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes the links of a machine's plan, from the host's side.
#pragma once

#include "base/unique_fd.hpp"
#include "network/link_record.hpp"
#include "spec/network_plan.hpp"

#include <vector>

namespace machinist {

struct MadeLinks {
    // What the machine is known by on the host: the bridge that it is at, or its own link's end.
    std::vector<int> host_indexes;
};

// machine_network: of a process that lives. Each link is in the record before it is made.
MadeLinks make_links(const NetworkSpec& network, const NetworkPlan& plan, BorrowedFd machine_network,
                     LinkRecord& record);

} // namespace machinist
