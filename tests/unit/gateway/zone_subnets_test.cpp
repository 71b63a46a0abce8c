// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/zone_subnets.hpp"

#include "base/failure.hpp"
#include "gateway/prefixes.hpp"

#include <gmock/gmock.h>
#include <set>

namespace machinist {

using testing::AllOf;

namespace {

constexpr const char* host = "0123456789abcdef0123456789abcdef";

IpPrefix prefix(std::string_view text) {
    return IpPrefix::parse(text).value();
}

ZoneSubnets subnets_of(std::string_view zone, const std::vector<IpPrefix>& taken = {},
                       const std::vector<IpPrefix>& present = {}) {
    return choose_zone_subnets(zone, host, zone_length_v4, taken, present);
}

} // namespace

TEST(AZone, HasTheSameAddressesEachTime) {
    EXPECT_EQ(subnets_of("lan"), subnets_of("lan"));
    EXPECT_NE(subnets_of("lan"), subnets_of("wan"));
}

TEST(AZone, LiesInWhatIsPrivateAndHoldsItsHostAtTheFirstPlace) {
    const ZoneSubnets lan = subnets_of("lan");

    EXPECT_TRUE(prefix("10.64.0.0/9").contains(lan.v4.address) || prefix("10.0.0.0/8").contains(lan.v4.address));
    EXPECT_EQ(lan.v4.address, address_in(lan.v4, 1));
    EXPECT_TRUE(prefix("fd00::/8").contains(lan.v6.address));
    EXPECT_EQ(lan.v6.address, address_in(lan.v6, 1));
}

TEST(AZone, GoesOutOfTheWayOfTheHostsRoutes) {
    const ZoneSubnets first = subnets_of("lan");
    const std::vector<IpPrefix> taken{network_of(first.v4), {first.v6.address, 48}};

    const ZoneSubnets second = choose_zone_subnets("lan", host, zone_length_v4, {taken[0]});

    EXPECT_FALSE(overlap(second.v4, first.v4));
    EXPECT_EQ(second.v6, first.v6);
}

TEST(AZone, KeepsTheAddressesThatItsBridgeHasAlready) {
    const ZoneSubnets first = subnets_of("lan");
    const ZoneSubnets second = subnets_of("lan", {network_of(first.v4)});

    EXPECT_EQ(subnets_of("lan", {}, {second.v4, second.v6}).v4, second.v4);
    EXPECT_EQ(subnets_of("lan", {}, {prefix("192.168.1.1/22")}), first);
}

TEST(AZone, IsRefusedWhereEverythingIsTaken) {
    EXPECT_THROW((void)subnets_of("lan", {prefix("10.0.0.0/8")}), Failure);
}

TEST(AMachinesAddress, StaysThatOfItsNameUnlessAnotherHasIt) {
    const IpPrefix zone = prefix("10.70.4.1/22");
    const IpAddress web = choose_machine_address(zone, "web", {});

    EXPECT_EQ(choose_machine_address(zone, "web", {}), web);
    EXPECT_NE(choose_machine_address(zone, "web", {web}), web);
    EXPECT_TRUE(zone.contains(web));
    EXPECT_NE(web, zone.address);
}

TEST(AMachinesAddress, IsNeverThatOfTheNetworkTheHostOrEverybody) {
    const IpPrefix small = prefix("10.70.4.1/28");
    std::vector<IpAddress> taken;
    for (int machine = 0; machine < 13; ++machine)
        taken.push_back(choose_machine_address(small, "m" + std::to_string(machine), taken));

    EXPECT_EQ((std::set<IpAddress>{taken.begin(), taken.end()}).size(), 13U);
    EXPECT_THAT(taken, testing::Not(testing::Contains(
                           testing::AnyOf(address_in(small, 0), address_in(small, 1), address_in(small, 15)))));
    EXPECT_THROW((void)choose_machine_address(small, "one-more", taken), Failure);
}

TEST(Prefixes, OverlapWhenOneLiesInTheOther) {
    EXPECT_TRUE(overlap(prefix("10.0.0.0/8"), prefix("10.1.2.0/24")));
    EXPECT_TRUE(overlap(prefix("10.1.2.0/24"), prefix("10.0.0.0/8")));
    EXPECT_FALSE(overlap(prefix("10.1.2.0/24"), prefix("10.1.3.0/24")));
    EXPECT_FALSE(overlap(prefix("10.1.2.0/24"), prefix("::/0")));
}

TEST(Prefixes, LoseTheHostsPart) {
    EXPECT_EQ(network_of(prefix("10.1.2.3/22")).text(), "10.1.0.0/22");
    EXPECT_EQ(network_of(prefix("fd01:2::3/64")).text(), "fd01:2::/64");
    EXPECT_EQ(address_in(prefix("10.1.2.3/22"), 1022).text(), "10.1.3.254");
}

} // namespace machinist
