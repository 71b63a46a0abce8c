// SPDX-License-Identifier: LGPL-2.1-or-later
// Opening such trees needs users who are not root, and is tried with machines.
#include "image/owned_tree.hpp"

#include "base/failure.hpp"
#include "image/map_owners.hpp"
#include "temporary_directory.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace machinist;
using ::testing::ElementsAre;

namespace {

constexpr std::uint32_t base = 655360;
constexpr PlainUser user{.uid = 1000, .gid = 100};

} // namespace

TEST(TheMapsOfAnOwnedTree, MakeItsUserTheMachinesRoot) {
    const OwnedTreeMaps maps = maps_of_owned_tree(user, user.uid, base);

    EXPECT_THAT(maps.users, ElementsAre(IdMap{1000, base, 1}, IdMap{foreign_range + 1, base + 1, 65535}));
    EXPECT_THAT(maps.groups, ElementsAre(IdMap{100, base, 1}, IdMap{foreign_range + 1, base + 1, 65535}));
}

TEST(TheMapsOfAnOwnedTree, AreOneRangeWhereItIsTheForeignOnes) {
    const OwnedTreeMaps maps = maps_of_owned_tree(user, foreign_range, base);

    EXPECT_THAT(maps.users, ElementsAre(IdMap{foreign_range, base, 65536}));
    EXPECT_EQ(maps.groups, maps.users);
}

TEST(APlainUser, HasThePrimaryGroupOfTheHost) {
    const machinist::testing::TemporaryDirectory place;
    const auto passwd = place.path() / "passwd";
    std::ofstream{passwd} << "root:x:0:0::/root:/bin/sh\nbroken:x:1000\nalice:x:1000:100::/home/alice:/bin/sh\n";

    EXPECT_EQ(plain_user(1000, passwd), user);
    EXPECT_THROW((void)plain_user(4294967000, passwd), Failure);
}
