// SPDX-License-Identifier: LGPL-2.1-or-later
// The links of a machine in the order in which they are made, with their names and addresses, as data.
#pragma once

#include "base/machine_name.hpp"
#include "spec/network_spec.hpp"

#include <string>
#include <vector>

namespace machinist {

enum class LinkKind { veth, moved, macvlan, ipvlan };
inline constexpr EnumNames<LinkKind, 4> link_kind_names{{{LinkKind::veth, "veth"},
                                                         {LinkKind::moved, "moved"},
                                                         {LinkKind::macvlan, "macvlan"},
                                                         {LinkKind::ipvlan, "ipvlan"}}};

struct PlannedLink {
    LinkKind kind = LinkKind::veth;
    // veth: its end on the host; moved: the link, as it was named; else the link of the host's that it sits on.
    std::string host_name;
    std::string host_alternative; // the whole name where host_name is cut
    std::string machine_name;
    std::string machine_alternative;
    std::optional<MacAddress> host_mac; // none: the kernel's choice, or as it is
    std::optional<MacAddress> machine_mac;
    std::string bridge; // that the end on the host joins; empty: none
    // veth: the name on the host is ours, not the administrator's. The machine is known by this link, and where the
    // name is taken it gets another one.
    bool has_our_name = false;
    bool as_it_was = false; // moved: up in the machine, with the addresses that it had
};

struct NetworkPlan {
    std::vector<PlannedLink> links;
    std::string zone_bridge; // made if it is missing, gone with its last link; empty: none
    MacAddress zone_mac;     // else it would be that of a port, and change with them
    // In the machine: what the spec's addresses are for. Empty: it has no link.
    std::string main_link;
};

// Pure. A namespace that is joined keeps the links that it has.
NetworkPlan plan_network(const NetworkSpec& network, const MachineName& machine);

// "vz-ZONE"
std::string bridge_of_zone(std::string_view zone);

// "veth ve-web (a6:...) on the host, host0 (32:...) in the machine, joins vz-lan": one line for people.
std::string describe(const PlannedLink& link);
// "tcp 8000-8003 to 80-83"
std::string describe(const PortForward& port);

} // namespace machinist
