// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/network_plan.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

// systemd-nspawn 252 gave the names and addresses of these tests on a host with this id.
NetworkSpec a_network() {
    NetworkSpec network;
    network.is_private = true;
    network.host_id = *MachineId::parse("3d1219c7c4c5404aaa1f6d2a48adfda4");
    return network;
}

NetworkPlan plan_for(const NetworkSpec& network, const char* machine = "web") {
    return plan_network(network, *MachineName::parse(machine));
}

std::vector<std::string> told(const NetworkPlan& plan) {
    std::vector<std::string> texts;
    for (const PlannedLink& link : plan.links)
        texts.push_back(describe(link));
    return texts;
}

} // namespace

TEST(ANetworkPlan, HasNoLinksUnlessSomeAreWanted) {
    EXPECT_THAT(plan_for(a_network()).links, IsEmpty());
    EXPECT_EQ(plan_for(a_network()).main_link, "");
}

TEST(ANetworkPlan, NamesAVirtualLinkAsSystemdNspawnDoes) {
    NetworkSpec network = a_network();
    network.veth = true;
    EXPECT_THAT(told(plan_for(network)), ElementsAre("veth ve-web (de:33:ab:0b:45:44) on the host, "
                                                     "host0 (fe:38:c6:95:1d:f9) in the machine"));
    EXPECT_THAT(told(plan_for(network, "averyveryverylongname")),
                ElementsAre("veth ve-averyverUARo (also ve-averyveryverylongname, 9a:aa:89:f2:51:a8) on the host, "
                            "host0 (46:77:d0:b5:19:ff) in the machine"));
}

TEST(ANetworkPlan, TakesTheAddressThatIsGiven) {
    NetworkSpec network = a_network();
    network.veth = true;
    network.veth_mac = MacAddress::parse("02:00:00:00:00:07");
    EXPECT_EQ(plan_for(network).links.at(0).machine_mac->text(), "02:00:00:00:00:07");
    EXPECT_EQ(plan_for(network).links.at(0).host_mac->text(), "de:33:ab:0b:45:44");
}

TEST(ANetworkPlan, CallsALinkAtABridgeOtherwise) {
    NetworkSpec network = a_network();
    network.veth = true;
    network.bridge = "br0";
    EXPECT_EQ(plan_for(network).links.at(0).host_name, "vb-web");
    EXPECT_EQ(plan_for(network).links.at(0).bridge, "br0");
    EXPECT_EQ(plan_for(network).zone_bridge, "");
    network.bridge.clear();
    network.zone = "lan";
    EXPECT_EQ(plan_for(network, "averyveryverylongname").links.at(0).host_name, "vb-averyverp3ja");
    EXPECT_EQ(plan_for(network).links.at(0).bridge, "vz-lan");
    EXPECT_EQ(plan_for(network).zone_bridge, "vz-lan");
    EXPECT_TRUE(plan_for(network).zone_mac.is_of_a_link());
    EXPECT_EQ(plan_for(network).zone_mac, plan_for(network, "other").zone_mac);
}

TEST(ANetworkPlan, NumbersFurtherLinks) {
    NetworkSpec network = a_network();
    network.extra_veths = {{"e0", "i0"}, {"e1", "i1"}};
    network.macvlans = {{"v0", "mv-v0"}};
    EXPECT_THAT(told(plan_for(network)),
                ElementsAre("veth e0 (b6:79:e7:37:bd:1f) on the host, i0 (6e:be:12:05:d1:6e) in the machine",
                            "veth e1 (fa:57:91:69:b7:da) on the host, i1 (36:c4:4e:68:bf:31) in the machine",
                            "macvlan v0 on the host, mv-v0 (56:86:2f:ec:53:40) in the machine"));
}

TEST(ANetworkPlan, KeepsTheWholeNameOfWhatIsCutInTheMachine) {
    NetworkSpec network = a_network();
    network.macvlans = {{"enp0s31f6v1234", "mv-enp0s31f6v1234"}};
    const PlannedLink link = plan_for(network).links.at(0);
    EXPECT_EQ(link.machine_name.size(), 15U);
    EXPECT_EQ(link.machine_alternative, "mv-enp0s31f6v1234");
}

TEST(ThePlansMainLink, IsTheVirtualOneOrElseTheFirstOfTheOthers) {
    NetworkSpec network = a_network();
    network.extra_veths = {{"e0", "i0"}};
    EXPECT_EQ(plan_for(network).main_link, "i0");
    network.interfaces = {{"eth1", "lan0"}};
    EXPECT_EQ(plan_for(network).main_link, "lan0");
    network.ipvlans = {{"eth0", "iv-eth0"}};
    EXPECT_EQ(plan_for(network).main_link, "iv-eth0");
    network.macvlans = {{"eth0", "mv-eth0"}};
    EXPECT_EQ(plan_for(network).main_link, "mv-eth0");
    network.veth = true;
    EXPECT_EQ(plan_for(network).main_link, "host0");
}

} // namespace machinist
