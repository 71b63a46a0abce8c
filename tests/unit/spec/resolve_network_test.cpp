// SPDX-License-Identifier: LGPL-2.1-or-later
#include "requests.hpp"
#include "spec/network_plan.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ANetworkOption, GivesTheMachineANetworkOfItsOwn) {
    for (const char* option :
         {"--private-network", "-n", "--network-veth", "--network-veth-extra=a", "--network-bridge=br0",
          "--network-zone=lan", "--network-macvlan=eth0", "--network-ipvlan=eth0", "--network-interface=eth0"})
        EXPECT_TRUE(nspawn({option}).spec().network.is_private) << option;
    EXPECT_FALSE(nspawn({"--network-namespace-path=/run/netns/a"}).spec().network.is_private);
}

TEST(ABridgeOrAZone, ImpliesTheLinkThatJoinsIt) {
    EXPECT_TRUE(nspawn({"--network-bridge=br0"}).spec().network.veth);
    EXPECT_TRUE(nspawn({"--network-zone=lan"}).spec().network.veth);
    EXPECT_FALSE(nspawn({"--network-macvlan=eth0"}).spec().network.veth);
}

TEST(ALink, HasANameInTheMachine) {
    const NetworkSpec network =
        nspawn({"--network-macvlan=eth0 eth1:lan", "--network-ipvlan=eth0", "--network-interface=eth2:up",
                "--network-interface=eth3", "--network-veth-extra=ext", "--network-veth-extra=a:b"})
            .spec()
            .network;
    EXPECT_THAT(network.macvlans, ElementsAre(LinkPair{"eth0", "mv-eth0"}, LinkPair{"eth1", "lan"}));
    EXPECT_THAT(network.ipvlans, ElementsAre(LinkPair{"eth0", "iv-eth0"}));
    EXPECT_THAT(network.interfaces, ElementsAre(LinkPair{"eth2", "up"}, LinkPair{"eth3", "eth3"}));
    EXPECT_THAT(network.extra_veths, ElementsAre(LinkPair{"ext", "ext"}, LinkPair{"a", "b"}));
}

TEST(ANetworkOption, WithoutAMeaningIsRefused) {
    for (const char* option : {"--network-macvlan=",
                               "--network-macvlan=a/b",
                               "--network-interface=eth0:1234567890123456",
                               "--network-veth-extra=a b",
                               "--network-veth-extra=1234567890123456",
                               "--network-bridge=",
                               "--network-zone=",
                               "--network-zone=1234567890123",
                               "--network-address=host",
                               "--network-address=",
                               "--network-gateway=1.2.3.4/8",
                               "--network-dns=x",
                               "--port=0",
                               "--port=65536",
                               "--port=sctp:80",
                               "--port=80:",
                               "--port=90-80",
                               "--port=80-89:90-98",
                               "--port=80-89:65530",
                               "--port=tcp:80:81:82",
                               "--port=-1"})
        EXPECT_THAT(parsed({option}).problems, testing::SizeIs(1)) << option;
}

TEST(APort, IsForwardedAloneOrInARange) {
    const auto ports_of = [](const char* option) { return nspawn({"-n", option}).spec().network.ports; };
    EXPECT_THAT(ports_of("-p80"), ElementsAre(PortForward{PortProtocol::tcp, 80, 80, 1}));
    EXPECT_THAT(ports_of("-ptcp:8080:80"), ElementsAre(PortForward{PortProtocol::tcp, 8080, 80, 1}));
    EXPECT_THAT(ports_of("-pudp:53"), ElementsAre(PortForward{PortProtocol::udp, 53, 53, 1}));
    EXPECT_THAT(ports_of("-p8000-8003:9000-9003"), ElementsAre(PortForward{PortProtocol::tcp, 8000, 9000, 4}));
    EXPECT_THAT(ports_of("-p8000-8003:9000"), ElementsAre(PortForward{PortProtocol::tcp, 8000, 9000, 4}));
    EXPECT_THAT(ports_of("-pudp:1-65535"), ElementsAre(PortForward{PortProtocol::udp, 1, 1, 65535}));
    EXPECT_EQ(describe(ports_of("-p8000-8003:9000").at(0)), "tcp 8000-8003 to 9000-9003");
}

TEST(APort, OfTheHostIsForwardedOnce) {
    EXPECT_THAT(nspawn({"-n", "-p80", "-p70-90:1000"}).sentences(), ElementsAre(HasSubstr("is forwarded already")));
    EXPECT_THAT(nspawn({"-n", "-p80", "-pudp:80", "-p81:80"}).sentences(), IsEmpty());
}

TEST(NetworkKeys, AreMaskedAsAWholeButPortsAndAddressesAreNot) {
    Decision decision = nspawn({"--network-veth"});
    decision.settings_file = "[Network]\nZone=lan\nMACVLAN=eth0\nPort=8080:80\nAddress=192.0.2.7/24\nDNS=192.0.2.1\n";
    const NetworkSpec network = decision.spec().network;
    EXPECT_EQ(network.zone, "");
    EXPECT_THAT(network.macvlans, IsEmpty());
    EXPECT_THAT(network.ports, ElementsAre(PortForward{PortProtocol::tcp, 8080, 80, 1}));
    EXPECT_THAT(network.addresses, ElementsAre(*IpPrefix::parse("192.0.2.7/24")));
    EXPECT_THAT(network.name_servers, ElementsAre(*IpAddress::parse("192.0.2.1")));
}

TEST(ASettingsFile, CanTakeTheLinkOfATemplateUnitAway) {
    Decision decision = nspawn({"--network-veth", "--settings=override"});
    decision.settings_file = "[Network]\nVirtualEthernet=no\n";
    EXPECT_FALSE(decision.spec().network.veth);
    EXPECT_FALSE(decision.spec().network.is_private);
}

TEST(TheLinksAddress, CanComeFromTheEnvironment) {
    Decision decision = nspawn({"-n"});
    decision.host.environment["SYSTEMD_NSPAWN_NETWORK_MAC"] = "02:00:00:00:00:07";
    EXPECT_EQ(decision.spec().network.veth_mac->text(), "02:00:00:00:00:07");
    decision.host.environment["SYSTEMD_NSPAWN_NETWORK_MAC"] = "00:00:00:00:00:00";
    EXPECT_FALSE(decision.spec().network.veth_mac);
    for (const char* text : {"x", "33:33:00:00:00:01"}) {
        decision.host.environment["SYSTEMD_NSPAWN_NETWORK_MAC"] = text;
        EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("is no address of a link")));
    }
}

TEST(NameServers, AreWrittenWhereNothingElseIsAskedFor) {
    EXPECT_EQ(nspawn({"-n", "--network-dns=192.0.2.1"}).spec().integration.resolv_conf, ResolvConfMode::given);
    EXPECT_EQ(nspawn({"-n", "--network-dns=192.0.2.1", "--resolv-conf=off"}).spec().integration.resolv_conf,
              ResolvConfMode::off);
    EXPECT_EQ(nspawn({"--network-bridge=br0"}).spec().integration.resolv_conf, ResolvConfMode::off);
    EXPECT_EQ(nspawn({"--private-network"}).spec().integration.resolv_conf, ResolvConfMode::off);
}

TEST(NameServers, ComeAtTheStartWhereTheHostGivesAddresses) {
    EXPECT_EQ(nspawn({"-n"}).spec().integration.resolv_conf, ResolvConfMode::given);
    EXPECT_EQ(nspawn({"--network-zone=lan"}).spec().integration.resolv_conf, ResolvConfMode::given);
    EXPECT_EQ(nspawn({"-n", "--resolv-conf=off"}).spec().integration.resolv_conf, ResolvConfMode::off);
}

} // namespace machinist
