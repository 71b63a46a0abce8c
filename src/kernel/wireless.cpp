// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/wireless.hpp"

#include "base/failure.hpp"

#include <linux/genetlink.h>
#include <linux/nl80211.h>

namespace machinist {

namespace {

genlmsghdr command(int number) {
    return {.cmd = static_cast<std::uint8_t>(number), .version = 1, .reserved = 0};
}

} // namespace

Wireless::Wireless(NetlinkSocket generic) : socket_(std::move(generic)) {
    NetlinkRequest request{GENL_ID_CTRL, 0, command(CTRL_CMD_GETFAMILY)};
    request.add_text(CTRL_ATTR_FAMILY_NAME, NL80211_GENL_NAME);
    (void)socket_.look(std::move(request), [&](const NetlinkMessage& message) {
        for (const NetlinkAttribute& attribute : netlink_attributes(message.attributes<genlmsghdr>()))
            if (attribute.type == CTRL_ATTR_FAMILY_ID)
                family_ = attribute.number<std::uint16_t>();
        return false;
    });
}

std::optional<std::uint32_t> Wireless::device_of(int link) {
    std::optional<std::uint32_t> device;
    if (family_ == 0)
        return device;
    NetlinkRequest request{family_, 0, command(NL80211_CMD_GET_INTERFACE)};
    request.add_number(NL80211_ATTR_IFINDEX, link);
    (void)socket_.look(std::move(request), [&](const NetlinkMessage& message) {
        for (const NetlinkAttribute& attribute : netlink_attributes(message.attributes<genlmsghdr>()))
            if (attribute.type == NL80211_ATTR_WIPHY)
                device = attribute.number<std::uint32_t>();
        return false;
    });
    return device;
}

void Wireless::move(std::uint32_t device, BorrowedFd other_network) {
    NetlinkRequest request{family_, 0, command(NL80211_CMD_SET_WIPHY_NETNS)};
    request.add_number(NL80211_ATTR_WIPHY, device);
    request.add_number(NL80211_ATTR_NETNS_FD, other_network.get());
    socket_.carry_out(std::move(request), "move a Wi-Fi device to another network");
}

} // namespace machinist
