// SPDX-License-Identifier: LGPL-2.1-or-later
// Network links: looked at, made, moved between network namespaces, removed. A link's index is its identity: it is
// chosen before the link is made, and no other link gets it later.
#pragma once

#include "base/failure.hpp"
#include "base/ip_address.hpp"
#include "base/mac_address.hpp"
#include "kernel/netlink.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct LinkFacts {
    int index = 0;
    std::string name;
    std::vector<std::string> alternatives;
    std::string kind; // "veth", "bridge", ...; empty: of a device
    int master = 0;   // the bridge that it belongs to; 0: none
    bool is_up = false;
};

// By its name or one of its others. Nothing if there is none.
std::optional<LinkFacts> find_link(NetlinkSocket& socket, std::string_view name);
std::optional<LinkFacts> find_link(NetlinkSocket& socket, int index);
// Failure(not_found)
LinkFacts link_named(NetlinkSocket& socket, std::string_view name);
bool has_ports(NetlinkSocket& socket, int bridge);

// Drawn by chance from those that nothing has, far from those that the kernel gives out itself.
int draw_link_index();

struct NewLink {
    std::string name;
    int index = 0; // 0: the kernel's choice
    std::optional<MacAddress> mac;
    int master = 0; // joins this bridge
    bool is_up = false;
};

// Each may be refused; EEXIST: the name or the index is taken.
NetlinkRequest veth_request(const NewLink& here, const NewLink& there, BorrowedFd other_network);
NetlinkRequest bridge_request(const NewLink& bridge);
// Made in the other network, on a link of this one.
NetlinkRequest macvlan_request(const NewLink& link, int below, BorrowedFd other_network);
NetlinkRequest ipvlan_request(const NewLink& link, int below, BorrowedFd other_network);
// What it is called there; index there, or 0. ENODEV: it is gone.
NetlinkRequest move_request(int index, BorrowedFd other_network, std::string_view name, int new_index);
NetlinkRequest removal_request(int index);
NetlinkRequest rename_request(int index, std::string_view name);
NetlinkRequest up_request(int index);
NetlinkRequest alternative_name_request(int index, std::string_view alternative);

// Of everybody's concern and for ever: neither link-local ones nor those that were given for a time.
std::vector<IpPrefix> lasting_addresses(NetlinkSocket& socket, int index);

// At once, without looking whether somebody else has it.
NetlinkRequest address_request(int index, const IpPrefix& address);
// To everywhere else, whether or not the gateway is in the link's own network.
NetlinkRequest gateway_request(int index, const IpAddress& gateway);

} // namespace machinist
