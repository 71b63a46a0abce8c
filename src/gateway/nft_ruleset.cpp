// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/nft_ruleset.hpp"

#include "base/text.hpp"
#include "gateway/prefixes.hpp"

#include <algorithm>
#include <cstdlib>
#include <set>

namespace machinist {

namespace {

std::string quoted(const std::string& interface) {
    return '"' + interface + '"';
}

// nft knows no set with an empty list of elements.
void add_collection(std::string& text, const std::string& head, const std::set<std::string>& elements) {
    text += "  " + head;
    if (!elements.empty())
        text += " elements = { " + joined({elements.begin(), elements.end()}, ", ") + " }";
    text += " }\n";
}

std::set<std::string> port_elements(const std::vector<ForwardedMachine>& machines,
                                    std::optional<IpAddress> ForwardedMachine::*address) {
    std::set<std::string> elements;
    for (const ForwardedMachine& machine : machines) {
        if (!(machine.*address))
            continue;
        for (const PortForward& port : machine.ports)
            for (unsigned at = 0; at < port.count; ++at)
                elements.insert(std::string{name_of(port_protocol_names, port.protocol)} + " . " +
                                std::to_string(port.host_port + at) + " : " + (machine.*address)->text() + " . " +
                                std::to_string(port.machine_port + at));
    }
    return elements;
}

std::set<std::string> addresses_of(const std::vector<ForwardedMachine>& machines,
                                   std::optional<IpAddress> ForwardedMachine::*address) {
    std::set<std::string> elements;
    for (const ForwardedMachine& machine : machines)
        if (machine.*address && !machine.ports.empty())
            elements.insert((machine.*address)->text());
    return elements;
}

void add_collections(std::string& text, const ForwardingState& state, const NftNames& names) {
    std::set<std::string> bridges, networks_v4, networks_v6, loopback_links;
    for (const ForwardingZone& zone : state.zones) {
        bridges.insert(quoted(zone.bridge));
        networks_v4.insert(network_of(zone.v4).text());
        networks_v6.insert(network_of(zone.v6).text());
    }
    for (const std::string& link : state.loopback_links())
        loopback_links.insert(quoted(link));
    add_collection(text, "set bridges { type ifname;", bridges);
    add_collection(text, "set loopback_links { type ifname;", loopback_links);
    add_collection(text, "set networks_v4 { type ipv4_addr; flags interval;", networks_v4);
    add_collection(text, "set networks_v6 { type ipv6_addr; flags interval;", networks_v6);
    add_collection(text, "set forwarded_v4 { type ipv4_addr;", addresses_of(state.machines, &ForwardedMachine::v4));
    add_collection(text, "set forwarded_v6 { type ipv6_addr;", addresses_of(state.machines, &ForwardedMachine::v6));
    add_collection(text, "map " + names.ports + " { type inet_proto . inet_service : ipv4_addr . inet_service;",
                   port_elements(state.machines, &ForwardedMachine::v4));
    add_collection(text, "map " + names.ports + "6 { type inet_proto . inet_service : ipv6_addr . inet_service;",
                   port_elements(state.machines, &ForwardedMachine::v6));
}

void add_chains(std::string& text, const NftNames& names) {
    const std::string leading = "    fib daddr type local dnat ip to meta l4proto . th dport map @" + names.ports +
                                "\n    fib daddr type local dnat ip6 to meta l4proto . th dport map @" + names.ports +
                                "6\n  }\n";
    // Behind those of others, who may want to decide first.
    text += "  chain prerouting {\n    type nat hook prerouting priority dstnat + 1; policy accept;\n" + leading;
    text += "  chain output {\n    type nat hook output priority -99; policy accept;\n" + leading;
    // A machine that asks for a port of the host which leads to its neighbour, or to itself, would be answered by that
    // one directly; and nobody can answer 127.0.0.1.
    text += "  chain postrouting {\n"
            "    type nat hook postrouting priority srcnat + 1; policy accept;\n"
            "    ip saddr 127.0.0.0/8 oifname @loopback_links masquerade\n"
            "    ip saddr @networks_v4 ip daddr @networks_v4 ct status dnat masquerade\n"
            "    ip6 saddr @networks_v6 ip6 daddr @networks_v6 ct status dnat masquerade\n"
            "    ip saddr @forwarded_v4 ip daddr @forwarded_v4 ct status dnat masquerade\n"
            "    ip6 saddr @forwarded_v6 ip6 daddr @forwarded_v6 ct status dnat masquerade\n"
            "    ip6 saddr ::1 ip6 daddr @forwarded_v6 masquerade\n"
            "    ip saddr @networks_v4 ip daddr != @networks_v4 ip daddr != 224.0.0.0/4 masquerade\n"
            "    ip6 saddr @networks_v6 ip6 daddr != @networks_v6 ip6 daddr != ff00::/8 masquerade\n"
            "  }\n";
    // What nobody asked for does not come into a zone from outside, although the host forwards.
    text += "  chain forward {\n"
            "    type filter hook forward priority filter; policy accept;\n"
            "    ct state established,related accept\n"
            "    ct status dnat accept\n"
            "    iifname @bridges accept\n"
            "    oifname @bridges drop\n"
            "  }\n";
    // These links accept 127.0.0.0/8, which is the host's alone.
    text += "  chain loopback {\n"
            "    type filter hook prerouting priority raw; policy accept;\n"
            "    iifname @loopback_links ip daddr 127.0.0.0/8 drop\n"
            "    iifname @loopback_links ip saddr 127.0.0.0/8 drop\n"
            "  }\n";
}

std::string name_or(const char* variable, std::string otherwise) {
    const char* value = std::getenv(variable);
    if (value == nullptr || value[0] == '\0' || std::string_view{value}.size() > 64)
        return otherwise;
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               c == '-';
    };
    const std::string_view text{value};
    const bool begins_well = (text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z');
    return begins_well && std::ranges::all_of(text, fits) ? std::string{text} : std::move(otherwise);
}

} // namespace

NftNames nft_names_of_environment() {
    NftNames names;
    names.table = name_or("SYSTEMD_FIREWALL_UTIL_NFT_TABLE_NAME", names.table);
    names.ports = name_or("SYSTEMD_FIREWALL_UTIL_DNAT_MAP_NAME", names.ports);
    return names;
}

std::vector<std::string> ForwardingState::loopback_links() const {
    std::set<std::string> links;
    for (const ForwardedMachine& machine : machines)
        if (!machine.ports.empty() && !machine.link.empty())
            links.insert(machine.link);
    return {links.begin(), links.end()};
}

std::string nft_ruleset(const ForwardingState& state, const NftNames& names) {
    const std::string table = "table inet " + names.table;
    // Only what is there can be deleted.
    std::string text = "add " + table + "\ndelete " + table + "\n";
    if (state.zones.empty() && state.machines.empty())
        return text;
    text += table + " {\n";
    add_collections(text, state, names);
    add_chains(text, names);
    return text + "}\n";
}

} // namespace machinist
