// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/id_mapping.hpp"

#include "base/failure.hpp"
#include "played_machine.hpp"

namespace machinist {

namespace {

const std::vector<IdMap> two_ranges{{.inside = 0, .outside = 300000, .count = 1000},
                                    {.inside = 1000, .outside = 700, .count = 1}};

} // namespace

TEST(AnIdMapping, FindsIdsInEachOfItsRanges) {
    EXPECT_EQ(outside_of(two_ranges, 0), 300000u);
    EXPECT_EQ(outside_of(two_ranges, 999), 300999u);
    EXPECT_EQ(outside_of(two_ranges, 1000), 700u);
    EXPECT_EQ(inside_of(two_ranges, 700), 1000u);
    EXPECT_EQ(inside_of(two_ranges, 300999), 999u);
}

TEST(AnIdMapping, FindsNoneBetweenThem) {
    EXPECT_EQ(outside_of(two_ranges, 1001), std::nullopt);
    EXPECT_EQ(outside_of(two_ranges, UINT32_MAX), std::nullopt);
    EXPECT_EQ(inside_of(two_ranges, 299999), std::nullopt);
    EXPECT_EQ(inside_of(two_ranges, 301000), std::nullopt);
    EXPECT_EQ(inside_of({}, 0), std::nullopt);
}

TEST(AnIdMapping, HasAShiftIfItIsOneRange) {
    const std::vector<IdMap> whole{{.inside = 0, .outside = 655360, .count = 65536}};
    const std::vector<IdMap> hosts{{.inside = 0, .outside = 0, .count = UINT32_MAX}};

    EXPECT_EQ((IdMappings{whole, whole}.shift()), 655360u);
    EXPECT_EQ((IdMappings{hosts, hosts}.shift()), 0u);
    EXPECT_TRUE((IdMappings{hosts, hosts}.are_the_hosts()));
    EXPECT_EQ((IdMappings{whole, two_ranges}.shift()), std::nullopt);
    EXPECT_EQ((IdMappings{two_ranges, two_ranges}.shift()), std::nullopt);
}

TEST(AnIdMapping, IsReadFromALeader) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root to make namespaces";
    const PlayedMachine machine;

    EXPECT_EQ(read_id_mappings(*Pidfd::open(machine.pid())).shift(), PlayedMachine::base);
    EXPECT_TRUE(read_id_mappings(*Pidfd::open(::getpid())).are_the_hosts());
}

} // namespace machinist
