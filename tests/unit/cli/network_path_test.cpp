// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/network_path.hpp"

#include <algorithm>
#include <gmock/gmock.h>

namespace machinist {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::Field;
using testing::HasSubstr;

namespace {

NetworkPathFacts a_healthy_path() {
    NetworkPathFacts facts;
    facts.machine = "web";
    facts.main_link = "host0";
    facts.addresses = {"10.70.4.9"};
    facts.has_default_route = true;
    facts.name_servers = {"10.70.4.1"};
    facts.host_link = "vz-lan";
    facts.host_addresses = {"10.70.4.1"};
    facts.we_see_to_it = true;
    facts.uplink = "eth0";
    return facts;
}

auto drops_at(const std::string& name, const std::string& remedy) {
    return Contains(
        AllOf(Field(&Hop::name, name), Field(&Hop::state, HopState::drops), Field(&Hop::remedy, HasSubstr(remedy))));
}

} // namespace

TEST(AMachinesWayOut, IsFreeWhereEachHopIs) {
    EXPECT_THAT(judge_network_path(a_healthy_path()), Each(Field(&Hop::state, HopState::passes)));
}

TEST(AMachinesWayOut, EndsAtAChainThatDropsForwardedPackets) {
    NetworkPathFacts facts = a_healthy_path();
    facts.dropping = {{.family = "ip", .table = "filter", .chain = "FORWARD", .hook = "forward"}};

    EXPECT_THAT(judge_network_path(facts), drops_at("firewall", "DOCKER-USER"));

    facts.dropping[0].accepts_link = true;
    EXPECT_THAT(judge_network_path(facts), Each(Field(&Hop::state, HopState::passes)));
}

TEST(AMachinesWayOut, EndsAtAFirewalldThatDoesNotKnowTheLink) {
    NetworkPathFacts facts = a_healthy_path();
    facts.dropping = {{.family = "inet", .table = "firewalld", .chain = "filter_INPUT", .hook = "input"}};

    EXPECT_THAT(judge_network_path(facts), drops_at("services", "firewall-cmd --zone=trusted --add-interface=vz-lan"));
}

TEST(AMachinesWayOut, EndsWhereTheHostDoesNotForward) {
    NetworkPathFacts facts = a_healthy_path();
    facts.forwards_v4 = false;

    EXPECT_THAT(judge_network_path(facts), drops_at("forwarding", "net.ipv4.ip_forward=1"));
}

TEST(AMachinesWayOut, EndsInAMachineWithoutAddressRouteOrNameServer) {
    NetworkPathFacts facts = a_healthy_path();
    facts.addresses.clear();
    facts.has_default_route = false;
    facts.name_servers.clear();
    facts.ports = {"tcp 8080 to 80"};

    EXPECT_THAT(judge_network_path(facts), AllOf(drops_at("address", "DHCP client"), drops_at("route", "Gateway="),
                                                 drops_at("names", "DNS="), drops_at("ports", "address")));
}

TEST(AMachinesWayOut, EndsWhereTheNameServerDoesNotRun) {
    NetworkPathFacts facts = a_healthy_path();
    facts.name_server_problem = "failed to bind: Address already in use";

    EXPECT_THAT(judge_network_path(facts), drops_at("names", "port 53"));
}

TEST(AMachinesWayOut, IsTheHostsOwnWithoutANetworkOfItsOwn) {
    NetworkPathFacts facts;
    facts.is_private = false;

    EXPECT_THAT(judge_network_path(facts), Each(Field(&Hop::state, HopState::passes)));
}

TEST(AMachinesWayOut, EndsAtOnceWithoutALink) {
    NetworkPathFacts facts;

    EXPECT_THAT(judge_network_path(facts), testing::ElementsAre(Field(&Hop::state, HopState::drops)));
}

} // namespace machinist
