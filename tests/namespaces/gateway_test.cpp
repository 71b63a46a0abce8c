// SPDX-License-Identifier: LGPL-2.1-or-later
// Addresses, names, the way out and ports of machines, on a host without systemd-networkd.
#include "namespaces/debian.hpp"
#include "namespaces/host_without_networkd.hpp"
#include "spec/run_directory.hpp"

#include <filesystem>
#include <gmock/gmock.h>
#include <memory>
#include <unistd.h>

namespace machinist::test {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

namespace {

// A machine of bookworm's tree with nothing but a sleeping process: no software sees to its network.
class AnIdleMachine {
public:
    AnIdleMachine(std::string name, std::vector<std::string> options) : name_(std::move(name)) {
        std::vector<std::string> arguments{"run", "--quiet", "-x", "--console=pipe",
                                           "-M",  name_,     "-D", Debian::tree_of("bookworm").string()};
        arguments.insert(arguments.end(), options.begin(), options.end());
        arguments.insert(arguments.end(), {"/bin/sleep", "infinity"});
        program_ = std::make_unique<Program>(MACHINIST_PROGRAM, arguments);
        runs_ = eventually([&] { return in("true").status == 0 || !program_->runs(); }, 60s) && program_->runs();
    }
    [[nodiscard]] bool runs() const {
        return runs_;
    }
    [[nodiscard]] std::string errors() const {
        return program_->errors();
    }
    [[nodiscard]] Outcome in(const std::string& command) const {
        return test::run(MACHINIST_PROGRAM, {"exec", name_, "--", "/bin/sh", "-c", command});
    }
    [[nodiscard]] std::string address(const char* family = "-4") const {
        const std::string text = in(std::string{"ip "} + family + " -o addr show dev host0 scope global").output;
        const auto begin = text.find("inet");
        const auto from = begin == std::string::npos ? begin : text.find(' ', begin) + 1;
        return from == std::string::npos ? "" : text.substr(from, text.find('/', from) - from);
    }
    // Serves one word at a port, again and again, in both families.
    [[nodiscard]] std::unique_ptr<Program> serve(int port, const std::string& word) const {
        const std::string script = "use IO::Socket::IP; my $s = IO::Socket::IP->new(LocalHost => '::', V6Only => 0, "
                                   "LocalPort => " +
                                   std::to_string(port) +
                                   ", Listen => 9, ReuseAddr => 1) or die $@; while (my $c = $s->accept) { print $c '" +
                                   word + "'; close $c }";
        return std::make_unique<Program>(MACHINIST_PROGRAM,
                                         std::vector<std::string>{"exec", name_, "--", "perl", "-e", script});
    }
    [[nodiscard]] const std::string& name() const {
        return name_;
    }
    Program& program() {
        return *program_;
    }
    void end() {
        (void)test::run(MACHINIST_PROGRAM, {"terminate", name_});
        (void)program_->end_within(20s);
    }

private:
    std::string name_;
    std::unique_ptr<Program> program_;
    bool runs_ = false;
};

} // namespace

TEST_F(AHostWithoutNetworkd, GivesAMachineWithoutSoftwareAnAddressNamesAndAWayOut) {
    const AnIdleMachine web{"zone-web", {"--network-zone=lan"}};
    const AnIdleMachine db{"zone-db", {"--network-zone=lan"}};
    ASSERT_TRUE(web.runs() && db.runs()) << web.errors() << db.errors();

    EXPECT_NE(web.address(), "");
    EXPECT_TRUE(eventually([&] { return web.in("getent ahostsv4 zone-db").output.starts_with(db.address()); }, 30s))
        << web.in("cat /etc/resolv.conf; getent hosts zone-db").output;
    EXPECT_THAT(db.in("getent hosts zone-web.machinist").output, HasSubstr(web.address()));
    EXPECT_TRUE(eventually([&] { return web.in("ping -c1 -W1 192.0.2.2").status == 0; }, 30s));
    EXPECT_EQ(web.in("ping -c1 -W1 " + db.address()).status, 0);
}

TEST_F(AHostWithoutNetworkd, GivesTheSameNameTheSameAddressAgain) {
    std::string first;
    {
        AnIdleMachine web{"zone-same", {"--network-zone=lan"}};
        first = web.address();
        web.end();
    }
    AnIdleMachine web{"zone-same", {"--network-zone=lan"}};

    EXPECT_NE(first, "");
    EXPECT_EQ(web.address(), first);
}

TEST_F(AHostWithoutNetworkd, SeesToAMachineWithALinkOfItsOwn) {
    const AnIdleMachine solo{"veth-solo", {"-n"}};
    ASSERT_TRUE(solo.runs()) << solo.errors();

    EXPECT_NE(solo.address(), "");
    EXPECT_TRUE(eventually([&] { return solo.in("ping -c1 -W1 192.0.2.2").status == 0; }, 30s));
    EXPECT_TRUE(eventually([&] { return solo.in("getent hosts veth-solo.machinist").status == 0; }, 30s));
}

TEST_F(AHostWithoutNetworkd, AnnouncesItsPrefixToMachines) {
    const AnIdleMachine web{"zone-six", {"--network-zone=lan"}};
    ASSERT_TRUE(web.runs()) << web.errors();

    EXPECT_TRUE(eventually([&] { return web.address("-6").starts_with("fd"); }, 60s));
    EXPECT_TRUE(eventually([&] { return web.in("ping -6 -c1 -W1 2001:db8::2").status == 0; }, 30s));
}

TEST_F(AHostWithoutNetworkd, OffersTheSameAddressByDhcp) {
    Debian booted{"bookworm", {"--network-zone=lan"}};
    const auto offered = [&] { return sh("cat " + gateway_directory() + "/links/vz-lan/offers").output; };

    ASSERT_TRUE(
        eventually([&] { return booted.sh("ip -4 -o addr show dev host0 scope global").output.size() > 10; }, 60s));
    const std::string shown = booted.sh("ip -4 -o addr show dev host0 scope global").output;
    const std::string list = offered();
    const std::string address = list.substr(list.find(',') + 1, list.find('\n') - list.find(',') - 1);
    EXPECT_THAT(shown, HasSubstr(" " + address + "/"));
    EXPECT_TRUE(eventually([&] { return booted.sh("ping -c1 -W1 192.0.2.2").status == 0; }, 60s));
}

TEST_F(AHostWithoutNetworkd, LeadsPortsToTheMachineFromOutsideFromItselfAndFromItsOwnLoopback) {
    AnIdleMachine web{"port-web", {"--network-zone=lan", "-p", "8080:80"}};
    ASSERT_TRUE(web.runs()) << web.errors();
    const auto server = web.serve(80, "from-web");

    EXPECT_TRUE(is_heard("from-web", "192.0.2.1", 8080, true));
    EXPECT_TRUE(is_heard("from-web", "192.0.2.1", 8080, false));
    EXPECT_TRUE(is_heard("from-web", "127.0.0.1", 8080, false));
    ASSERT_TRUE(eventually([&] { return web.address("-6").starts_with("fd"); }, 60s));
    EXPECT_TRUE(is_heard("from-web", "2001:db8::1", 8080, true));
    EXPECT_TRUE(is_heard("from-web", "2001:db8::1", 8080, false));
    EXPECT_THAT(run(MACHINIST_PROGRAM, {"status", "port-web"}).output, HasSubstr("Ports: tcp 8080 to 80"));
}

TEST_F(AHostWithoutNetworkd, LeadsPortsAfterTheMachinesAddress) {
    AnIdleMachine web{"port-moves", {"-n", "-p", "8081:80"}};
    ASSERT_TRUE(web.runs()) << web.errors();
    const auto server = web.serve(80, "moved");
    ASSERT_TRUE(is_heard("moved", "192.0.2.1", 8081, true));
    const std::string before = web.address();
    const auto dot = before.rfind('.');
    const int last = std::stoi(before.substr(dot + 1));
    const std::string after = before.substr(0, dot + 1) + std::to_string((last & 15) < 14 ? last + 1 : last - 1);

    // The last address of a network takes its routes along when it goes.
    ASSERT_EQ(web.in("set -e; router=$(ip route show default | cut -d' ' -f3); ip addr del " + before +
                     "/28 dev host0; ip addr add " + after + "/28 dev host0; ip route replace default via $router")
                  .status,
              0);

    EXPECT_TRUE(eventually(
        [&] { return sh("nft list map inet machinist ports").output.find(after) != std::string::npos; }, 30s))
        << sh("nft list ruleset").output;
    EXPECT_TRUE(is_heard("moved", "192.0.2.1", 8081, true));
}

TEST_F(AHostWithoutNetworkd, ChangesPortsOfARunningMachine) {
    AnIdleMachine web{"port-live", {"--network-zone=lan"}};
    AnIdleMachine other{"port-other", {"--network-zone=lan"}};
    ASSERT_TRUE(web.runs() && other.runs()) << web.errors() << other.errors();
    const auto server = web.serve(80, "live");
    const auto port = [](std::vector<std::string> words) {
        words.insert(words.begin(), "port");
        return run(MACHINIST_PROGRAM, words);
    };

    EXPECT_EQ(port({"add", "port-live", "8082:80", "udp:5300-5303:53"}).status, 0);
    EXPECT_TRUE(is_heard("live", "192.0.2.1", 8082, true));
    EXPECT_THAT(port({"list", "port-live"}).output, AllOf(HasSubstr("8082"), HasSubstr("5300")));
    const Outcome refused = port({"add", "port-other", "8082"});
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.errors, HasSubstr("machine 'port-live' has such a port of the host already"));

    EXPECT_EQ(port({"remove", "port-live", "8082:80"}).status, 0);
    EXPECT_EQ(heard_at("192.0.2.1", 8082, true), "");
    EXPECT_NE(port({"remove", "port-live", "8082:80"}).status, 0);
    EXPECT_THAT(port({"list", "port-live"}).output, AllOf(Not(HasSubstr("8082")), HasSubstr("5300")));
}

TEST_F(AHostWithoutNetworkd, DoesNotStartAMachineWhosePortAnotherHas) {
    AnIdleMachine web{"port-first", {"--network-zone=lan", "-p", "8083:80"}};
    ASSERT_TRUE(web.runs()) << web.errors();

    AnIdleMachine second{"port-second", {"--network-zone=lan", "-p", "8080-8085:80"}};

    EXPECT_FALSE(second.runs());
    EXPECT_THAT(second.errors(), HasSubstr("machine 'port-first' has such a port of the host already"));
    EXPECT_FALSE(std::filesystem::exists(run_directory::path("port-second")));
}

TEST_F(AHostWithoutNetworkd, GoesOnWhenWhatSeesToMachinesIsKilled) {
    AnIdleMachine web{"port-kept", {"--network-zone=lan", "-p", "8084:80"}};
    ASSERT_TRUE(web.runs()) << web.errors();
    const auto server = web.serve(80, "kept");
    ASSERT_TRUE(is_heard("kept", "192.0.2.1", 8084, true));
    const std::string address = web.address();

    ASSERT_EQ(sh("for p in /proc/[0-9]*; do [ \"$(readlink $p/ns/net)\" = \"" + network_of(::getpid()) +
                 "\" ] && case \"$(tr '\\0' ' ' < $p/cmdline)\" in machinist-gateway*) kill -9 ${p#/proc/};; esac; "
                 "done; true")
                  .status,
              0);
    AnIdleMachine next{"port-next", {"--network-zone=lan"}};

    EXPECT_TRUE(is_heard("kept", "192.0.2.1", 8084, true));
    EXPECT_TRUE(eventually([&] { return next.in("getent ahostsv4 port-kept").output.starts_with(address); }, 30s));
}

TEST_F(AHostWithoutNetworkd, IsCleanedUpWhenEverybodyWasKilled) {
    AnIdleMachine web{"port-dead", {"--network-zone=lan", "-p", "8085:80"}};
    ASSERT_TRUE(web.runs()) << web.errors();
    const std::string ours = network_of(::getpid());

    ASSERT_EQ(sh("for p in /proc/[0-9]*; do [ \"$(readlink $p/ns/net)\" = \"" + ours +
                 "\" ] && case \"$(tr '\\0' ' ' < $p/cmdline)\" in machinist-gateway*|machinist-supervisor*) kill -9 "
                 "${p#/proc/};; esac; done; true")
                  .status,
              0);
    EXPECT_TRUE(eventually([&] { return !web.program().runs(); }, 20s));
    EXPECT_TRUE(eventually(
        [&] { return run(MACHINIST_PROGRAM, {"gc"}).status == 0 && sh("nft list tables").output.empty(); }, 60s));
}

TEST_F(AHostWithoutNetworkd, NamesTheHopThatDrops) {
    AnIdleMachine web{"path-web", {"--network-zone=lan"}};
    ASSERT_TRUE(web.runs()) << web.errors();
    const auto doctor = [] { return run(MACHINIST_PROGRAM, {"doctor", "net", "path-web"}); };
    ASSERT_TRUE(eventually([&] { return doctor().status == 0; }, 30s)) << doctor().output;

    ASSERT_EQ(sh("nft add table ip filter && nft 'add chain ip filter FORWARD { type filter hook forward priority 0; "
                 "policy drop; }'")
                  .status,
              0);
    EXPECT_TRUE(eventually([&] { return web.in("ping -c1 -W1 192.0.2.2").status != 0; }));
    const Outcome found = doctor();
    EXPECT_EQ(found.status, 1);
    EXPECT_THAT(found.output,
                AllOf(HasSubstr("FORWARD"), HasSubstr("drops"), HasSubstr("iptables -I FORWARD -i vz-lan")));

    ASSERT_EQ(sh("nft add rule ip filter FORWARD iifname vz-lan accept && "
                 "nft add rule ip filter FORWARD oifname vz-lan accept")
                  .status,
              0);
    EXPECT_EQ(doctor().status, 0) << doctor().output;
    EXPECT_EQ(web.in("ping -c1 -W1 192.0.2.2").status, 0);
    EXPECT_EQ(sh("nft delete table ip filter").status, 0);
}

} // namespace machinist::test
