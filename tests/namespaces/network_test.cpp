// SPDX-License-Identifier: LGPL-2.1-or-later
// Links of machines: what is on the host, what is inside, and that nothing of it stays.
#include "namespaces/machine.hpp"
#include "namespaces/own_network.hpp"
#include "spec/network_plan.hpp"
#include "spec/run_directory.hpp"

#include <csignal>
#include <filesystem>
#include <unistd.h>

namespace machinist::test {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

namespace {

class NetworkOption : public ABootedMachine {
protected:
    void TearDown() override {
        ABootedMachine::TearDown();
        EXPECT_TRUE(host.is_as_before()) << testing::PrintToString(host.names());
    }
    // As it would be for this machine on this host.
    PlannedLink planned(NetworkSpec network) {
        network.host_id = MachineId::parse(text_of("/etc/machine-id").substr(0, 32)).value_or(MachineId{});
        return plan_network(network, *MachineName::parse(machine().name())).links.at(0);
    }
    std::string state_file() {
        return text_of(Path{run_directory::state_files} / machine().name());
    }
    std::string address_of(const std::string& link) {
        std::string text = ask("cat /sys/class/net/" + link + "/address");
        return text.substr(0, text.find('\n'));
    }
    pid_t supervisor() {
        return machine().program().pid();
    }

    // It has its links by the time it answers.
    void launch(Start wanted) {
        start(std::move(wanted));
        EXPECT_NE(ask("links"), "");
    }
    void launch_with(std::vector<std::string> options) {
        launch({.options = std::move(options)});
    }

    OwnNetwork host;
};

} // namespace

TEST_F(NetworkOption, NetworkVethGivesTheMachineHost0AndTheHostItsOtherEnd) {
    launch_with({"--network-veth"});
    NetworkSpec network;
    network.veth = true;
    const PlannedLink link = planned(network);

    EXPECT_THAT(ask("links"), HasSubstr("host0"));
    const auto end = host.find(link.host_name);
    ASSERT_TRUE(end) << testing::PrintToString(host.names());
    EXPECT_EQ(end->kind, "veth");
    EXPECT_THAT(state_file(), HasSubstr("NETIF=\" " + std::to_string(end->index) + "\""));
    EXPECT_THAT(end->alternatives, Contains("ve-" + machine().name()));
    if (text_of("/etc/machine-id").size() >= 32) {
        EXPECT_EQ(address_of("host0"), link.machine_mac->text());
    }
}

TEST_F(NetworkOption, NetworkVethTakesItsAddressFromTheEnvironment) {
    launch({.options = {"-n"}, .environment = {"SYSTEMD_NSPAWN_NETWORK_MAC=02:00:00:00:00:07"}});

    EXPECT_EQ(address_of("host0"), "02:00:00:00:00:07");
}

TEST_F(NetworkOption, NetworkVethFindsAnotherNameWhereItsOwnIsTaken) {
    const std::string name = unused_name();
    NetworkSpec network;
    network.veth = true;
    const std::string wanted = plan_network(network, *MachineName::parse(name)).links.at(0).host_name;
    host.make_pair(wanted, "other");
    const int index = host.find(wanted)->index;

    launch({.options = {"-n"}, .name = name});

    EXPECT_THAT(ask("links"), HasSubstr("host0"));
    EXPECT_EQ(host.names().size(), 4U) << testing::PrintToString(host.names());
    end_machine();
    EXPECT_EQ(host.find(wanted)->index, index);
}

TEST_F(NetworkOption, NetworkVethExtraAddsLinksWithTheirNames) {
    launch_with({"--network-veth-extra=ext0:int0", "--network-veth-extra=ext1", "-n"});

    EXPECT_THAT(ask("links"), AllOf(HasSubstr("int0"), HasSubstr("ext1"), HasSubstr("host0")));
    EXPECT_TRUE(host.find("ext0"));
    EXPECT_TRUE(host.find("ext1"));
}

TEST_F(NetworkOption, NetworkVethExtraIsRefusedWhereItsNameIsTaken) {
    host.make_pair("ext0", "other");

    const Outcome outcome = outcome_of({.options = {"--network-veth-extra=ext0"}});

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("a network link 'ext0' exists already"));
    EXPECT_TRUE(host.find("ext0"));
}

TEST_F(NetworkOption, NetworkBridgePutsTheLinkAtABridgeThatIsThere) {
    const int bridge = host.make_bridge("br0");
    launch_with({"--network-bridge=br0"});
    NetworkSpec network;
    network.veth = true;
    network.bridge = "br0";

    const auto end = host.find(planned(network).host_name);

    ASSERT_TRUE(end) << testing::PrintToString(host.names());
    EXPECT_EQ(end->master, bridge);
    EXPECT_TRUE(end->is_up);
    EXPECT_THAT(state_file(), HasSubstr("NETIF=\" " + std::to_string(bridge) + "\""));
    end_machine();
    EXPECT_TRUE(host.find("br0"));
}

TEST_F(NetworkOption, NetworkBridgeIsRefusedWithoutTheBridge) {
    const Outcome outcome = outcome_of({.options = {"--network-bridge=br0"}});

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("find network link 'br0': there is none of that name on the host"));
}

TEST_F(NetworkOption, NetworkZoneHasABridgeFromItsFirstMachineToItsLast) {
    launch_with({"-x", "--network-zone=lan"});
    const auto bridge = host.find("vz-lan");
    ASSERT_TRUE(bridge);
    EXPECT_EQ(bridge->kind, "bridge");
    launch_with({"-x", "--network-zone=lan"});

    EXPECT_EQ(host.find("vz-lan")->index, bridge->index);
    EXPECT_EQ(host.names().size(), 4U) << testing::PrintToString(host.names());
    end_machine();
    EXPECT_TRUE(host.find("vz-lan"));
    end_machine();
    EXPECT_FALSE(host.find("vz-lan"));
}

TEST_F(NetworkOption, NetworkMacvlanAddsALinkOnOneOfTheHosts) {
    host.make_pair("lower0", "other");

    launch_with({"--network-macvlan=lower0", "--network-macvlan=lower0:lan"});

    EXPECT_THAT(ask("links"), AllOf(HasSubstr("mv-lower0"), HasSubstr("lan")));
    EXPECT_NE(address_of("mv-lower0"), address_of("lan"));
}

TEST_F(NetworkOption, NetworkIpvlanAddsALinkOrSaysThatTheKernelKnowsNone) {
    host.make_pair("lower0", "other");

    const Outcome outcome =
        outcome_of({.options = {"--network-ipvlan=lower0"}, .command = {"/probe", "--ask", "links"}});

    if (outcome.status == 0)
        EXPECT_THAT(outcome.output, HasSubstr("iv-lower0"));
    else
        EXPECT_THAT(outcome.errors, HasSubstr("make a link of kind 'ipvlan': the kernel knows none"));
}

TEST_F(NetworkOption, NetworkInterfaceIsMovedInAndComesBackAsItWas) {
    host.make_pair("eth8", "eth9");
    const int index = host.find("eth9")->index;

    launch_with({"--network-interface=eth9:lan0"});

    EXPECT_THAT(ask("links"), HasSubstr("lan0"));
    EXPECT_FALSE(host.find("eth9"));
    end_machine();
    ASSERT_TRUE(host.find("eth9"));
    EXPECT_EQ(host.find("eth9")->index, index);
}

TEST_F(NetworkOption, NetworkInterfaceComesBackFromAStartThatFails) {
    host.make_pair("eth8", "eth9");

    EXPECT_NE(outcome_of({.options = {"--network-interface=eth9:lan0"}, .command = {"/missing"}}).status, 0);

    EXPECT_TRUE(host.find("eth9"));
}

TEST_F(NetworkOption, NetworkInterfaceComesBackUnderItsNameWhateverTheMachineCallsIt) {
    host.make_pair("eth8", "eth9");
    launch_with({"--network-interface=eth9"});

    end_machine();

    EXPECT_TRUE(host.find("eth9"));
}

TEST_F(NetworkOption, NetworkNamespacePathMakesNoLinks) {
    launch_with({"--network-namespace-path=/proc/" + std::to_string(::getpid()) + "/ns/net"});

    EXPECT_EQ(host.names().size(), 1U);
    EXPECT_EQ(ask("namespace net"), std::filesystem::read_symlink("/proc/self/ns/net").string());
}

TEST_F(NetworkOption, NetworkAddressGatewayAndDnsAreThereBeforeAnythingRuns) {
    launch_with({"-n", "--network-address=192.0.2.7/24", "--network-address=2001:db8::7/64",
                 "--network-gateway=192.0.2.1", "--network-gateway=2001:db8::1", "--network-dns=192.0.2.53",
                 "--network-dns=2001:db8::53"});

    EXPECT_THAT(ask("links"), HasSubstr("host0 up"));
    EXPECT_THAT(ask("cat /proc/net/fib_trie"), HasSubstr("192.0.2.7"));
    EXPECT_THAT(ask("cat /proc/net/route"), HasSubstr("host0\t00000000\t010200C0\t"));
    EXPECT_THAT(ask("cat /proc/net/if_inet6"), HasSubstr("20010db8000000000000000000000007"));
    EXPECT_THAT(ask("cat /proc/net/ipv6_route"), HasSubstr("20010db8000000000000000000000001"));
    EXPECT_EQ(ask("cat /etc/resolv.conf"), "nameserver 192.0.2.53\nnameserver 2001:db8::53\n");
}

TEST_F(NetworkOption, PortIsWrittenDownForTheMachine) {
    const Outcome outcome = machinist(
        {"run", "--dry-run", "-D", tree.path().string(), "-n", "-p", "8080-8089:80", "--network-zone=lan", "/probe"});

    EXPECT_THAT(outcome.output, AllOf(HasSubstr("tcp 8080-8089 to 80-89"), HasSubstr("joins vz-lan")));
}

TEST_F(NetworkOption, LinksAreThereAgainAfterAReboot) {
    host.make_pair("eth8", "eth9");
    launch({.options = {"-b", "--network-zone=lan", "--network-interface=eth9:lan0", "--network-macvlan=eth8"},
            .command = {}});
    const auto links = ask("links");
    const int bridge = host.find("vz-lan")->index;

    const pid_t before = machine().leader();
    machine().tell("reboot restart");
    // What is said before the new start is lost.
    ASSERT_TRUE(eventually([&] { return machine().leader() != before; }, 20s)) << machine().program().errors();

    EXPECT_EQ(words_of(ask("links")).size(), words_of(links).size());
    EXPECT_THAT(ask("links"), AllOf(HasSubstr("host0"), HasSubstr("lan0"), HasSubstr("mv-eth8")));
    EXPECT_EQ(host.find("vz-lan")->index, bridge);
}

TEST_F(NetworkOption, LinksOfAKilledSupervisorAreGoneOnceItIsUndone) {
    launch_with({"--network-zone=lan", "--network-veth-extra=ext0"});
    const std::string name = machine().name();

    ::kill(supervisor(), SIGKILL);
    EXPECT_TRUE(machine().program().end_within(20s));
    EXPECT_TRUE(eventually(
        [&] {
            machinist({"gc"});
            return !std::filesystem::exists(run_directory::path(name));
        },
        30s));

    EXPECT_FALSE(host.find("vz-lan"));
    EXPECT_FALSE(host.find("ext0"));
}

TEST_F(NetworkOption, LinksAreUndoneWhereTheyWereMadeByWhoeverIsInAnotherNetwork) {
    launch_with({"--network-zone=lan", "--network-veth-extra=ext0"});
    const std::string name = machine().name();
    const std::size_t made_before = host.names().size();
    const Program stays_in_it{"/bin/sleep", {"1000"}};

    ::kill(supervisor(), SIGKILL);
    EXPECT_TRUE(machine().program().end_within(20s));
    // All that a record of another network could be taken for is here, under its name.
    OwnNetwork elsewhere;
    elsewhere.make_bridge("vz-lan");
    EXPECT_TRUE(eventually(
        [&] {
            machinist({"gc"});
            return !std::filesystem::exists(run_directory::path(name));
        },
        30s));

    EXPECT_TRUE(elsewhere.find("vz-lan"));
    EXPECT_FALSE(host.find("vz-lan"));
    EXPECT_FALSE(host.find("ext0"));
    EXPECT_LT(host.names().size(), made_before);
}

TEST_F(NetworkOption, LinksOfANetworkThatHasEndedAreNobodysAnyMore) {
    std::string name;
    {
        OwnNetwork ended;
        launch_with({"--network-veth-extra=ext0"});
        name = machine().name();
        ::kill(supervisor(), SIGKILL);
        EXPECT_TRUE(machine().program().end_within(20s));
    }
    host.make_pair("ext0", "ext1");
    EXPECT_TRUE(eventually(
        [&] {
            machinist({"gc"});
            return !std::filesystem::exists(run_directory::path(name));
        },
        30s));

    EXPECT_TRUE(host.find("ext0"));
}

} // namespace machinist::test
