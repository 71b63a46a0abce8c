// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/addresses.hpp"

#include "base/failure.hpp"
#include "base/ip_address.hpp"
#include "kernel/netlink.hpp"

#include <algorithm>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace machinist {

namespace {

// More than that no table shows; a machine may have as many as it likes.
constexpr std::size_t most_addresses = 256;

struct Found {
    int family;
    int scope;
    int index;
    std::string text;
    auto operator<=>(const Found&) const = default;
};

void add_address(const NetlinkMessage& message, std::vector<Found>& found) {
    const auto head = message.head<ifaddrmsg>();
    if (message.type != RTM_NEWADDR || !head || (head->ifa_family != AF_INET && head->ifa_family != AF_INET6) ||
        head->ifa_scope == RT_SCOPE_HOST || head->ifa_scope == RT_SCOPE_NOWHERE ||
        (head->ifa_flags & IFA_F_DEPRECATED) != 0)
        return;
    std::optional<IpAddress> address;
    for (const NetlinkAttribute& attribute : netlink_attributes(message.attributes<ifaddrmsg>()))
        // The local end of a point-to-point link is the machine's; other links have only IFA_ADDRESS for IPv6.
        if (attribute.type == IFA_LOCAL || (attribute.type == IFA_ADDRESS && !address))
            address = IpAddress::from_bytes(
                {reinterpret_cast<const std::uint8_t*>(attribute.bytes.data()), attribute.bytes.size()});
    if (!address)
        return;
    std::string whole = address->text();
    if (head->ifa_family == AF_INET6 && head->ifa_scope == RT_SCOPE_LINK)
        whole += "%" + std::to_string(head->ifa_index);
    found.push_back({head->ifa_family, head->ifa_scope, static_cast<int>(head->ifa_index), std::move(whole)});
}

} // namespace

std::vector<std::string> read_addresses() {
    NetlinkSocket socket{NETLINK_ROUTE};
    std::vector<Found> found;
    (void)socket.look({RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}}, [&](const NetlinkMessage& message) {
        add_address(message, found);
        return found.size() < most_addresses;
    });
    std::ranges::sort(found);
    std::vector<std::string> texts;
    for (Found& address : found)
        texts.push_back(std::move(address.text));
    return texts;
}

} // namespace machinist
