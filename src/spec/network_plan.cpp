// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/network_plan.hpp"

#include "spec/link_names.hpp"

namespace machinist {

namespace {

constexpr const char* main_veth = "host0";

PlannedLink planned(LinkKind kind, std::string_view host_name, std::string_view machine_name) {
    PlannedLink link;
    link.kind = kind;
    link.host_name = host_name;
    link.machine_name = fitting_link_name(machine_name);
    if (link.machine_name != machine_name)
        link.machine_alternative = machine_name;
    return link;
}

PlannedLink plan_veth(const NetworkSpec& network, const MachineName& machine, const std::string& zone_bridge) {
    PlannedLink link = planned(LinkKind::veth, "", main_veth);
    link.has_our_name = true;
    link.bridge = zone_bridge.empty() ? network.bridge : zone_bridge;
    const std::string whole = (link.bridge.empty() ? "ve-" : "vb-") + machine.text();
    link.host_name = fitting_link_name(whole);
    if (link.host_name != whole)
        link.host_alternative = whole;
    link.host_mac = derived_mac(link_keys::host_end, network.host_id, machine.text(), 0);
    link.machine_mac =
        network.veth_mac.value_or(derived_mac(link_keys::machine_end, network.host_id, machine.text(), 0));
    return link;
}

std::string ports_text(std::uint16_t first, std::uint16_t count) {
    return count > 1 ? std::to_string(first) + "-" + std::to_string(first + count - 1) : std::to_string(first);
}

} // namespace

std::string bridge_of_zone(std::string_view zone) {
    return "vz-" + std::string{zone};
}

NetworkPlan plan_network(const NetworkSpec& network, const MachineName& machine) {
    NetworkPlan plan;
    if (!network.zone.empty()) {
        plan.zone_bridge = bridge_of_zone(network.zone);
        plan.zone_mac = derived_mac(link_keys::zone, network.host_id, plan.zone_bridge, 0);
    }
    for (const LinkPair& pair : network.interfaces) {
        plan.links.push_back(planned(LinkKind::moved, pair.host, pair.machine));
        plan.links.back().as_it_was = network.interfaces_as_they_were;
    }
    if (network.veth)
        plan.links.push_back(plan_veth(network, machine, plan.zone_bridge));
    std::uint64_t number = 0;
    for (const LinkPair& pair : network.extra_veths) {
        PlannedLink link = planned(LinkKind::veth, pair.host, pair.machine);
        link.host_mac = derived_mac(link_keys::extra_host_end, network.host_id, machine.text(), number);
        link.machine_mac = derived_mac(link_keys::extra_machine_end, network.host_id, machine.text(), number++);
        plan.links.push_back(std::move(link));
    }
    number = 0;
    for (const LinkPair& pair : network.macvlans) {
        PlannedLink link = planned(LinkKind::macvlan, pair.host, pair.machine);
        link.machine_mac = derived_mac(link_keys::macvlan, network.host_id, machine.text(), number++);
        plan.links.push_back(std::move(link));
    }
    for (const LinkPair& pair : network.ipvlans)
        plan.links.push_back(planned(LinkKind::ipvlan, pair.host, pair.machine));

    if (network.veth)
        plan.main_link = main_veth;
    for (const auto* pairs : {&network.macvlans, &network.ipvlans, &network.interfaces, &network.extra_veths})
        if (plan.main_link.empty() && !pairs->empty())
            plan.main_link = fitting_link_name(pairs->front().machine);
    return plan;
}

std::string describe(const PlannedLink& link) {
    const auto named = [](const std::string& name, const std::string& whole, const std::optional<MacAddress>& mac) {
        const std::string also = whole.empty() ? "" : "also " + whole;
        const std::string address = mac ? mac->text() : "";
        const std::string details = also + (also.empty() || address.empty() ? "" : ", ") + address;
        return name + (details.empty() ? "" : " (" + details + ")");
    };
    std::string text{name_of(link_kind_names, link.kind)};
    text += " " + named(link.host_name, link.host_alternative, link.host_mac) + " on the host, " +
            named(link.machine_name, link.machine_alternative, link.machine_mac) + " in the machine";
    return link.bridge.empty() ? text : text + ", joins " + link.bridge;
}

std::string describe(const PortForward& port) {
    return std::string{name_of(port_protocol_names, port.protocol)} + " " + ports_text(port.host_port, port.count) +
           " to " + ports_text(port.machine_port, port.count);
}

} // namespace machinist
