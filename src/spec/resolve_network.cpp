// SPDX-License-Identifier: LGPL-2.1-or-later
// Resolving the network: which links the machine has, what they carry, and which ports lead to it.
#include "spec/resolving.hpp"

#include "base/text.hpp"
#include "spec/network_plan.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace machinist::resolving {

namespace {

bool wants_links(const NetworkSpec& network) {
    return network.veth || !network.interfaces.empty() || !network.extra_veths.empty() || !network.macvlans.empty() ||
           !network.ipvlans.empty();
}

void links(Resolving& r, const NetworkSettings& written) {
    NetworkSpec& network = r.spec.network;
    network.namespace_path = written.namespace_path;
    network.bridge = written.bridge.value_or("");
    network.zone = written.zone.value_or("");
    network.veth = written.veth.value_or(false) || written.bridge || written.zone;
    network.interfaces = written.interfaces;
    network.interfaces_as_they_were = written.interfaces_as_they_were;
    network.extra_veths = written.extra_veths;
    network.macvlans = written.macvlans;
    network.ipvlans = written.ipvlans;
    network.is_private = written.is_private.value_or(false) || wants_links(network);
    if (written.bridge && written.zone)
        r.problem("--network-bridge", "--network-bridge and --network-zone exclude each other",
                  "leaving one of them out");
    if (network.namespace_path && wants_links(network)) {
        r.problem("--network-namespace-path",
                  "--network-namespace-path and links for the machine exclude each other: the namespace has its own",
                  "leaving one of them out");
        network.veth = false;
        for (auto* list : {&network.interfaces, &network.extra_veths, &network.macvlans, &network.ipvlans})
            list->clear();
    }
}

void link_addresses(Resolving& r) {
    NetworkSpec& network = r.spec.network;
    // Without an id of the host the machine's own still tells its links from those of others.
    network.host_id = r.host.machine_id.value_or(r.spec.id);
    constexpr const char* variable = "SYSTEMD_NSPAWN_NETWORK_MAC";
    const auto text = r.environment(variable);
    if (!text)
        return;
    const auto mac = MacAddress::parse(*text);
    if (mac && mac->is_of_a_link())
        network.veth_mac = mac;
    else if (!mac || mac != MacAddress{}) // only zeros: the one that is its own
        r.problem(variable,
                  std::string{"environment variable "} + variable + ": '" + escaped_for_people(*text) +
                      "' is no address of a link",
                  "for example 02:00:00:00:00:07");
}

void names_in_the_machine(Resolving& r, const NetworkPlan& plan) {
    std::set<std::string> names{"lo"};
    for (const PlannedLink& link : plan.links)
        if (!names.insert(link.machine_name).second)
            r.problem("--network-interface",
                      "two network links would be called '" + escaped_for_people(link.machine_name) +
                          "' in the machine",
                      "another name behind a colon");
    std::set<std::string> on_host;
    for (const PlannedLink& link : plan.links)
        if (link.kind == LinkKind::veth && !on_host.insert(link.host_name).second)
            r.problem("--network-veth-extra",
                      "two network links would be called '" + escaped_for_people(link.host_name) + "' on the host",
                      "another name");
}

void gateways(Resolving& r) {
    const NetworkSpec& network = r.spec.network;
    bool has_of_family[2] = {false, false};
    for (const IpAddress& gateway : network.gateways) {
        if (std::exchange(has_of_family[gateway.is_ipv6()], true))
            r.problem("--network-gateway",
                      "--network-gateway: '" + gateway.text() + "' would be a second one of its family",
                      "leaving one of them out");
        const bool has_address = std::ranges::any_of(
            network.addresses, [&](const IpPrefix& prefix) { return prefix.address.is_ipv6() == gateway.is_ipv6(); });
        if (!has_address)
            r.problem("--network-gateway",
                      "--network-gateway: the machine has no address to reach '" + gateway.text() + "' from",
                      "--network-address=");
    }
}

void addresses(Resolving& r, const AddressSettings& written, const NetworkPlan& plan) {
    NetworkSpec& network = r.spec.network;
    network.addresses = written.addresses;
    network.gateways = written.gateways;
    network.name_servers = written.name_servers;
    if (plan.main_link.empty() && !(network.addresses.empty() && network.gateways.empty()))
        r.problem("--network-address", "--network-address and --network-gateway need a link that they are for",
                  "--network-veth, or another link");
    for (const IpPrefix& prefix : network.addresses)
        if (prefix.address.is_unspecified())
            r.problem("--network-address",
                      "--network-address: '" + prefix.text() + "' is no address that a link can have");
    gateways(r);
}

} // namespace

void network(Resolving& r) {
    NetworkSpec& network = r.spec.network;
    if (r.settings.network)
        links(r, *r.settings.network);
    link_addresses(r);
    const NetworkPlan plan = plan_network(network, r.spec.name);
    names_in_the_machine(r, plan);
    if (r.settings.addresses)
        addresses(r, *r.settings.addresses, plan);
    if (r.settings.ports) {
        network.ports = *r.settings.ports;
        if (!network.ports.empty() && !network.is_private)
            r.problem("--port", "--port needs a network that is not the host's", "--network-veth");
    }
    if (r.spec.users.kind == UserNamespaceKind::managed && !network.is_private)
        r.problem("--private-users", "--private-users=managed needs a network that is not the host's",
                  "--private-network or --network-veth");
}

} // namespace machinist::resolving
