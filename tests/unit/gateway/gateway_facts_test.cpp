// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/gateway_facts.hpp"

#include <gmock/gmock.h>

namespace machinist {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TheGatewaysFacts, AreReadAsTheyWereWritten) {
    GatewayFacts facts;
    facts.table = "machinist";
    facts.problem = "no nftables";
    facts.links.push_back(
        {.name = "vz-lan", .v4 = "10.70.4.1/22", .v6 = "fd01::1/64", .name_server = 7, .problem = "\"quoted\""});
    facts.machines.push_back({.key = "web",
                              .name = "web",
                              .link = "vz-lan",
                              .addresses = {"10.70.4.9", "fd01::9"},
                              .ports = {"tcp:8080:80"}});

    const GatewayFacts read = parse_gateway_facts(gateway_facts_text(facts));

    EXPECT_EQ(read.table, "machinist");
    EXPECT_EQ(read.problem, "no nftables");
    ASSERT_EQ(read.links.size(), 1U);
    EXPECT_EQ(read.links[0].v4, "10.70.4.1/22");
    EXPECT_EQ(read.links[0].name_server, 7);
    EXPECT_EQ(read.links[0].problem, "\"quoted\"");
    ASSERT_EQ(read.machines.size(), 1U);
    EXPECT_THAT(read.machines[0].addresses, ElementsAre("10.70.4.9", "fd01::9"));
    EXPECT_THAT(read.machines[0].ports, ElementsAre("tcp:8080:80"));
}

TEST(TheGatewaysFacts, AreNoneInWhatIsNone) {
    for (const char* text : {"", "[]", "{", "{\"links\": 7, \"machines\": [3, null], \"table\": 1}"})
        EXPECT_EQ(parse_gateway_facts(text).table, "") << text;
    EXPECT_THAT(dropping_chains("{\"nftables\": [1, {\"chain\": 3}]}", "machinist"), IsEmpty());
}

} // namespace machinist
