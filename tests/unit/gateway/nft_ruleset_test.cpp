// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/nft_ruleset.hpp"

#include "base/failure.hpp"
#include "gateway/gateway_facts.hpp"
#include "gateway/nft_session.hpp"
#include "spec/port_forward.hpp"

#include <cstdlib>
#include <gmock/gmock.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace {

ForwardingState a_zone_with_a_machine() {
    ForwardingState state;
    state.zones.push_back(
        {.bridge = "vz-lan", .v4 = *IpPrefix::parse("10.70.4.1/22"), .v6 = *IpPrefix::parse("fd01:2:3:4::1/64")});
    state.machines.push_back({.link = "vz-lan",
                              .ports = {*parse_port_forward("8080:80"), *parse_port_forward("udp:53")},
                              .v4 = IpAddress::parse("10.70.4.9"),
                              .v6 = IpAddress::parse("fd01:2:3:4::9")});
    return state;
}

// In a network namespace of its own; what is said there counts.
template <typename Body>
int status_apart(Body&& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        if (::unshare(CLONE_NEWNET) < 0)
            ::_exit(77);
        try {
            ::_exit(body() ? 0 : 1);
        } catch (const std::exception& failure) {
            ::fprintf(stderr, "%s\n", failure.what());
            ::_exit(1);
        }
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

} // namespace

TEST(TheRules, TakeThePlaceOfThoseBefore) {
    EXPECT_THAT(nft_ruleset(a_zone_with_a_machine()),
                testing::StartsWith("add table inet machinist\ndelete table inet machinist\ntable inet machinist {\n"));
}

TEST(TheRules, AreGoneWhereThereIsNothingToForward) {
    EXPECT_EQ(nft_ruleset({}), "add table inet machinist\ndelete table inet machinist\n");
}

TEST(TheRules, LeadEachPortToTheMachineInBothFamilies) {
    const std::string rules = nft_ruleset(a_zone_with_a_machine());

    EXPECT_THAT(rules, HasSubstr("{ tcp . 8080 : 10.70.4.9 . 80, udp . 53 : 10.70.4.9 . 53 }"));
    EXPECT_THAT(rules, HasSubstr("{ tcp . 8080 : fd01:2:3:4::9 . 80, udp . 53 : fd01:2:3:4::9 . 53 }"));
}

TEST(TheRules, LeadARangePortByPort) {
    ForwardingState state = a_zone_with_a_machine();
    state.machines[0].ports = {*parse_port_forward("8000-8002:80-82")};

    EXPECT_THAT(nft_ruleset(state), HasSubstr("{ tcp . 8000 : 10.70.4.9 . 80, tcp . 8001 : 10.70.4.9 . 81, "
                                              "tcp . 8002 : 10.70.4.9 . 82 }"));
}

TEST(TheRules, LeadNothingToAMachineWithoutAnAddress) {
    ForwardingState state = a_zone_with_a_machine();
    state.machines[0].v4.reset();

    EXPECT_THAT(nft_ruleset(state), Not(HasSubstr("8080 : 10.")));
}

TEST(TheRules, CanHaveTheNamesThatSystemdsTestsGive) {
    ::setenv("SYSTEMD_FIREWALL_UTIL_NFT_TABLE_NAME", "io.systemd.test", 1);
    ::setenv("SYSTEMD_FIREWALL_UTIL_DNAT_MAP_NAME", "a b; flush ruleset", 1);
    const NftNames names = nft_names_of_environment();
    ::unsetenv("SYSTEMD_FIREWALL_UTIL_NFT_TABLE_NAME");
    ::unsetenv("SYSTEMD_FIREWALL_UTIL_DNAT_MAP_NAME");

    EXPECT_EQ(names.table, "io.systemd.test");
    EXPECT_EQ(names.ports, "ports");
}

TEST(TheRules, AreTakenByTheKernelAndTakenAway) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root has a network namespace";

    const int status = status_apart([] {
        NftSession nft;
        for (const NftNames& names : {NftNames{}, NftNames{.table = "io.systemd.test", .ports = "map_port_ipport"}}) {
            nft.apply(nft_ruleset(a_zone_with_a_machine(), names));
            nft.apply(nft_ruleset(a_zone_with_a_machine(), names));
            if (nft.list_ruleset().find("\"" + names.table + "\"") == std::string::npos)
                return false;
            nft.apply(nft_ruleset({}, names));
            nft.apply(nft_ruleset({}, names));
            if (nft.list_ruleset().find("\"" + names.table + "\"") != std::string::npos)
                return false;
        }
        return true;
    });

    if (status == 77)
        GTEST_SKIP() << "no network namespaces here";
    EXPECT_EQ(status, 0);
}

TEST(RulesOfOthers, ComeAndGoWhileASessionIsOpen) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root has a network namespace";

    const int status = status_apart([] {
        NftSession nft;
        nft.apply(nft_ruleset(a_zone_with_a_machine()));
        NftSession other;
        other.apply("flush ruleset\nadd table inet others\n");
        const std::string without_ours = nft.list_ruleset();
        nft.apply(nft_ruleset(a_zone_with_a_machine()));
        const std::string with_both = nft.list_ruleset();
        other.apply("flush ruleset\n");
        nft.apply(nft_ruleset({}));
        return without_ours.find("\"machinist\"") == std::string::npos &&
               without_ours.find("\"others\"") != std::string::npos &&
               with_both.find("\"machinist\"") != std::string::npos &&
               with_both.find("\"others\"") != std::string::npos && nft.list_ruleset() == other.list_ruleset();
    });

    if (status == 77)
        GTEST_SKIP() << "no network namespaces here";
    EXPECT_EQ(status, 0);
}

TEST(ASession, GoesOnAfterARefusal) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root has a network namespace";

    const int status = status_apart([] {
        NftSession nft;
        nft.apply(nft_ruleset(a_zone_with_a_machine()));
        bool was_refused = false;
        try {
            nft.apply("delete table inet nobodys\n");
        } catch (const Failure& failure) {
            was_refused = std::string_view{failure.what()}.starts_with("replace our rules of nftables: ");
        }
        nft.apply(nft_ruleset({}));
        return was_refused && nft.list_ruleset().find("\"machinist\"") == std::string::npos;
    });

    if (status == 77)
        GTEST_SKIP() << "no network namespaces here";
    EXPECT_EQ(status, 0);
}

TEST(RulesOfOthers, AreKnownForWhatTheyDropAndTranslate) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root has a network namespace";

    const int status = status_apart([] {
        NftSession nft;
        nft.apply(nft_ruleset(a_zone_with_a_machine()));
        if (!dropping_chains(nft.list_ruleset(), "machinist").empty() ||
            others_translate_addresses(nft.list_ruleset(), "machinist"))
            return false;
        nft.apply(R"(
            table ip filter {
              chain FORWARD {
                type filter hook forward priority 0; policy drop;
              }
            }
            table inet firewall {
              chain input {
                type filter hook input priority 0; policy accept;
                iifname "lo" accept
                counter reject
              }
            }
            table ip nat {
              chain POSTROUTING {
                type nat hook postrouting priority 100; policy accept;
              }
            }
        )");
        const auto chains = dropping_chains(nft.list_ruleset(), "machinist");
        return chains.size() == 2 && others_translate_addresses(nft.list_ruleset(), "machinist") &&
               chains[0] == DroppingChain{"ip", "filter", "FORWARD", "forward", true} &&
               chains[1] == DroppingChain{"inet", "firewall", "input", "input", false};
    });

    if (status == 77)
        GTEST_SKIP() << "no network namespaces here";
    EXPECT_EQ(status, 0);
}

} // namespace machinist
