// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/links.hpp"

#include <cerrno>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sys/random.h>
#include <sys/socket.h>

namespace machinist {

namespace {

constexpr std::size_t longest_name = IFNAMSIZ - 1;

ifinfomsg head_of(int index, bool up = false) {
    ifinfomsg head{};
    head.ifi_family = AF_UNSPEC;
    head.ifi_index = index;
    if (up) {
        head.ifi_flags = IFF_UP;
        head.ifi_change = IFF_UP;
    }
    return head;
}

std::optional<LinkFacts> facts_in(const NetlinkMessage& message) {
    const auto head = message.head<ifinfomsg>();
    if (message.type != RTM_NEWLINK || !head)
        return std::nullopt;
    LinkFacts link;
    link.index = head->ifi_index;
    link.is_up = (head->ifi_flags & IFF_UP) != 0;
    for (const NetlinkAttribute& attribute : netlink_attributes(message.attributes<ifinfomsg>())) {
        if (attribute.type == IFLA_IFNAME)
            link.name = attribute.text();
        else if (attribute.type == IFLA_MASTER)
            link.master = attribute.number<int>();
        else if (attribute.type == IFLA_LINKINFO) {
            for (const NetlinkAttribute& info : netlink_attributes(attribute.bytes))
                if (info.type == IFLA_INFO_KIND)
                    link.kind = info.text();
        } else if (attribute.type == IFLA_PROP_LIST) {
            for (const NetlinkAttribute& property : netlink_attributes(attribute.bytes))
                if (property.type == IFLA_ALT_IFNAME)
                    link.alternatives.push_back(property.text());
        }
    }
    return link;
}

std::optional<LinkFacts> found_by(NetlinkSocket& socket, NetlinkRequest request) {
    std::optional<LinkFacts> link;
    const NetlinkAnswer answer = socket.look(std::move(request), [&](const NetlinkMessage& message) {
        link = facts_in(message);
        return false;
    });
    if (!answer && answer.error_number != ENODEV)
        throw netlink_failure("look at a network link", answer);
    return link;
}

NetlinkRequest new_link(const NewLink& link) {
    NetlinkRequest request{RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, head_of(link.index, link.is_up)};
    request.add_text(IFLA_IFNAME, link.name);
    if (link.mac)
        request.add(IFLA_ADDRESS, link.mac->bytes);
    if (link.master != 0)
        request.add_number(IFLA_MASTER, link.master);
    return request;
}

// On a link of this network, in another one.
template <typename Number>
NetlinkRequest stacked_link(const NewLink& link, int below, BorrowedFd other_network, const char* kind,
                            std::uint16_t mode_attribute, Number mode) {
    NetlinkRequest request = new_link(link);
    request.add_number(IFLA_LINK, below);
    request.add_number(IFLA_NET_NS_FD, other_network.get());
    request.nest(IFLA_LINKINFO, [&] {
        request.add_text(IFLA_INFO_KIND, kind);
        request.nest(IFLA_INFO_DATA, [&] { request.add_number(mode_attribute, mode); });
    });
    return request;
}

} // namespace

std::optional<LinkFacts> find_link(NetlinkSocket& socket, std::string_view name) {
    NetlinkRequest request{RTM_GETLINK, 0, head_of(0)};
    request.add_text(name.size() > longest_name ? IFLA_ALT_IFNAME : IFLA_IFNAME, name);
    return found_by(socket, std::move(request));
}

std::optional<LinkFacts> find_link(NetlinkSocket& socket, int index) {
    return found_by(socket, {RTM_GETLINK, 0, head_of(index)});
}

LinkFacts link_named(NetlinkSocket& socket, std::string_view name) {
    if (auto link = find_link(socket, name))
        return *link;
    throw Failure{FailureKind::not_found,
                  "find network link '" + std::string{name} + "': there is none of that name on the host"}
        .try_instead("'ip link' to see those that there are");
}

bool has_ports(NetlinkSocket& socket, int bridge) {
    bool found = false;
    const NetlinkAnswer answer = socket.look({RTM_GETLINK, NLM_F_DUMP, head_of(0)}, [&](const NetlinkMessage& message) {
        const auto link = facts_in(message);
        found = link && link->master == bridge;
        return !found;
    });
    if (!answer)
        throw netlink_failure("look at the ports of a bridge", answer);
    return found;
}

std::vector<IpPrefix> lasting_addresses(NetlinkSocket& socket, int index) {
    std::vector<IpPrefix> found;
    const auto visit = [&](const NetlinkMessage& message) {
        const auto head = message.head<ifaddrmsg>();
        if (message.type != RTM_NEWADDR || !head || head->ifa_index != static_cast<std::uint32_t>(index) ||
            head->ifa_scope != RT_SCOPE_UNIVERSE || (head->ifa_flags & IFA_F_PERMANENT) == 0)
            return true;
        std::optional<IpAddress> address;
        for (const NetlinkAttribute& attribute : netlink_attributes(message.attributes<ifaddrmsg>()))
            if (attribute.type == IFA_LOCAL || (attribute.type == IFA_ADDRESS && !address))
                address = IpAddress::from_bytes(
                    {reinterpret_cast<const std::uint8_t*>(attribute.bytes.data()), attribute.bytes.size()});
        if (address)
            found.push_back({*address, head->ifa_prefixlen});
        return true;
    };
    if (const NetlinkAnswer answer = socket.look({RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{}}, visit); !answer)
        throw netlink_failure("look at the addresses of a network link", answer);
    return found;
}

int draw_link_index() {
    // The kernel counts up from 1; what is this high it reaches after a million links only.
    constexpr std::uint32_t lowest = 1U << 20;
    constexpr std::uint32_t count = 1U << 29;
    std::uint32_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number)
        throw system_failure("get random bytes for a network link");
    return static_cast<int>(lowest + number % count);
}

NetlinkRequest veth_request(const NewLink& here, const NewLink& there, BorrowedFd other_network) {
    NetlinkRequest request = new_link(here);
    request.nest(IFLA_LINKINFO, [&] {
        request.add_text(IFLA_INFO_KIND, "veth");
        request.nest(IFLA_INFO_DATA, [&] {
            request.nest(VETH_INFO_PEER, head_of(there.index, there.is_up), [&] {
                request.add_text(IFLA_IFNAME, there.name);
                if (there.mac)
                    request.add(IFLA_ADDRESS, there.mac->bytes);
                request.add_number(IFLA_NET_NS_FD, other_network.get());
            });
        });
    });
    return request;
}

NetlinkRequest bridge_request(const NewLink& bridge) {
    NetlinkRequest request = new_link(bridge);
    request.nest(IFLA_LINKINFO, [&] { request.add_text(IFLA_INFO_KIND, "bridge"); });
    return request;
}

NetlinkRequest macvlan_request(const NewLink& link, int below, BorrowedFd other_network) {
    return stacked_link(link, below, other_network, "macvlan", IFLA_MACVLAN_MODE, std::uint32_t{MACVLAN_MODE_BRIDGE});
}

NetlinkRequest ipvlan_request(const NewLink& link, int below, BorrowedFd other_network) {
    return stacked_link(link, below, other_network, "ipvlan", IFLA_IPVLAN_MODE, std::uint16_t{IPVLAN_MODE_L2});
}

NetlinkRequest move_request(int index, BorrowedFd other_network, std::string_view name, int new_index) {
    NetlinkRequest request{RTM_SETLINK, 0, head_of(index)};
    request.add_number(IFLA_NET_NS_FD, other_network.get());
    if (!name.empty())
        request.add_text(IFLA_IFNAME, name);
    if (new_index != 0)
        request.add_number(IFLA_NEW_IFINDEX, new_index);
    return request;
}

NetlinkRequest removal_request(int index) {
    return {RTM_DELLINK, 0, head_of(index)};
}

NetlinkRequest rename_request(int index, std::string_view name) {
    NetlinkRequest request{RTM_SETLINK, 0, head_of(index)};
    request.add_text(IFLA_IFNAME, name);
    return request;
}

NetlinkRequest up_request(int index) {
    return {RTM_SETLINK, 0, head_of(index, true)};
}

NetlinkRequest alternative_name_request(int index, std::string_view alternative) {
    NetlinkRequest request{RTM_NEWLINKPROP, NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND, head_of(index)};
    request.nest(IFLA_PROP_LIST | NLA_F_NESTED, [&] { request.add_text(IFLA_ALT_IFNAME, alternative); });
    return request;
}

NetlinkRequest address_request(int index, const IpPrefix& address) {
    ifaddrmsg head{};
    head.ifa_family = static_cast<std::uint8_t>(address.address.family());
    head.ifa_prefixlen = static_cast<std::uint8_t>(address.length);
    head.ifa_flags = IFA_F_PERMANENT;
    head.ifa_scope = address.address.is_link_local() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    head.ifa_index = static_cast<std::uint32_t>(index);
    // While others are asked whether they have it, nothing in the machine could listen on it.
    if (address.address.is_ipv6())
        head.ifa_flags |= IFA_F_NODAD;
    NetlinkRequest request{RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, head};
    request.add(IFA_LOCAL, address.address.bytes());
    request.add(IFA_ADDRESS, address.address.bytes());
    if (!address.address.is_ipv6() && address.length < 31) {
        std::array<std::uint8_t, 4> broadcast{};
        for (unsigned bit = 0; bit < address.address.bits(); ++bit) {
            const unsigned mask = 0x80U >> (bit % 8);
            if (bit >= address.length || (address.address.bytes()[bit / 8] & mask) != 0)
                broadcast[bit / 8] = static_cast<std::uint8_t>(broadcast[bit / 8] | mask);
        }
        request.add(IFA_BROADCAST, broadcast);
    }
    return request;
}

NetlinkRequest gateway_request(int index, const IpAddress& gateway) {
    rtmsg head{};
    head.rtm_family = static_cast<std::uint8_t>(gateway.family());
    head.rtm_table = RT_TABLE_MAIN;
    head.rtm_protocol = RTPROT_STATIC;
    head.rtm_scope = RT_SCOPE_UNIVERSE;
    head.rtm_type = RTN_UNICAST;
    head.rtm_flags = RTNH_F_ONLINK;
    NetlinkRequest request{RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, head};
    request.add(RTA_GATEWAY, gateway.bytes());
    request.add_number(RTA_OIF, index);
    return request;
}

} // namespace machinist
