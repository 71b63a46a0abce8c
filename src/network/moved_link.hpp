// SPDX-License-Identifier: LGPL-2.1-or-later
// Links of the host's that a machine has for as long as it runs.
#pragma once

#include "kernel/netlink.hpp"
#include "network/link_record.hpp"
#include "spec/network_plan.hpp"

namespace machinist {

void move_link_in(NetlinkSocket& host, const PlannedLink& link, BorrowedFd machine_network, LinkRecord& record);

// Under the name and the index that it had. machine_network: if it is there still; without it what the kernel has
// brought back is given its name.
void move_link_back(NetlinkSocket& host, BorrowedFd machine_network, const RecordedLink& link);

} // namespace machinist
