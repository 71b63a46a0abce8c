// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/gateway_request.hpp"

#include "base/failure.hpp"
#include "network/link_management.hpp"
#include "spec/network_plan.hpp"

#include <unistd.h>

namespace machinist {

namespace {

std::string key_of(const Start& start) {
    return start.run.path().filename().string();
}

std::optional<MacAddress> main_mac_of(const Start& start) {
    const NetworkPlan plan = plan_network(start.spec.network, start.spec.name);
    for (const PlannedLink& link : plan.links)
        if (link.machine_name == plan.main_link)
            return link.machine_mac;
    return std::nullopt;
}

GatewayClient& connected(Start& start) {
    if (!start.gateway)
        start.gateway = GatewayClient::connect_or_start(start.programs.gateway);
    return *start.gateway;
}

} // namespace

void ask_for_addresses(Start& start) {
    NetworkSpec& network = start.spec.network;
    const std::string link = served_link_of(network, start.spec.name);
    // A machine that starts again has those that it had.
    if (link.empty() || !start.first_start || !network.addresses.empty())
        return;
    try {
        Reservation reservation =
            connected(start).reserve(key_of(start), start.spec.name.text(), link, main_mac_of(start));
        network.addresses = std::move(reservation.addresses);
        if (network.gateways.empty())
            network.gateways = std::move(reservation.gateways);
        if (network.name_servers.empty())
            network.name_servers = std::move(reservation.name_servers);
    } catch (const Failure& failure) {
        start.warnings.push_back(std::string{"addresses and names: "} + failure.what());
    }
}

void have_network_seen_to(Start& start) {
    if (!needs_gateway(start.spec.network, start.spec.name))
        return;
    try {
        connected(start).attach(key_of(start));
    } catch (const Failure& failure) {
        if (!start.spec.network.ports.empty())
            throw;
        start.warnings.push_back(std::string{"a way to other networks: "} + failure.what());
    }
    start.gateway.reset();
}

} // namespace machinist
