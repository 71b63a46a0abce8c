// SPDX-License-Identifier: LGPL-2.1-or-later
// Wi-Fi devices (nl80211): they change the network namespace as a whole, with all links on them.
#pragma once

#include "kernel/netlink.hpp"

#include <cstdint>
#include <optional>

namespace machinist {

class Wireless {
public:
    // generic: of NETLINK_GENERIC, in the network that the links are in.
    explicit Wireless(NetlinkSocket generic);
    // The device that a link is on. Nothing for links of other kinds, and where the kernel knows no Wi-Fi.
    std::optional<std::uint32_t> device_of(int link);
    void move(std::uint32_t device, BorrowedFd other_network);

private:
    NetlinkSocket socket_;
    std::uint16_t family_ = 0;
};

} // namespace machinist
