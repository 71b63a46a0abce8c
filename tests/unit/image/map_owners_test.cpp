// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/map_owners.hpp"

#include <gtest/gtest.h>

using namespace machinist;

namespace {

constexpr std::uint32_t base = 655360;

OwnerPlan plan(Ownership ownership, std::uint32_t owner) {
    return plan_owners({.ownership = ownership, .base = base}, owner);
}

} // namespace

TEST(AnOwnerPlan, DoesNothingForTheIdentityOrWhenOff) {
    EXPECT_EQ(plan(Ownership::off, 0).ownership, Ownership::off);
    EXPECT_EQ(plan_owners({.ownership = Ownership::map, .base = 0}, 0).ownership, Ownership::off);
}

TEST(AnOwnerPlan, MapsAHostsTreeFromZero) {
    for (const std::uint32_t owner : {0U, 1000U}) {
        const auto planned = plan(Ownership::automatic, owner);

        EXPECT_EQ(planned.ownership, Ownership::map);
        EXPECT_EQ(planned.map, (IdMap{0, base, 65536}));
        EXPECT_TRUE(planned.may_change_owners);
    }
}

TEST(AnOwnerPlan, MapsAForeignTreeFromTheForeignRange) {
    const auto planned = plan(Ownership::automatic, foreign_range);

    EXPECT_EQ(planned.ownership, Ownership::foreign);
    EXPECT_EQ(planned.map, (IdMap{foreign_range, base, 65536}));
}

TEST(AnOwnerPlan, LeavesATreeThatBelongsToTheRangeAlready) {
    EXPECT_EQ(plan(Ownership::automatic, base).ownership, Ownership::off);
}

TEST(AnOwnerPlan, MapsATreeOfAnotherRangeFromThere) {
    EXPECT_EQ(plan(Ownership::automatic, 1048576).map, (IdMap{1048576, base, 65536}));
}

TEST(AnOwnerPlan, DoesWhatWasAskedWithoutFallingBack) {
    EXPECT_EQ(plan(Ownership::map, 1048576).map, (IdMap{0, base, 65536}));
    EXPECT_EQ(plan(Ownership::foreign, 0).map, (IdMap{foreign_range, base, 65536}));
    EXPECT_EQ(plan(Ownership::chown, 0).ownership, Ownership::chown);
    EXPECT_FALSE(plan(Ownership::map, 0).may_change_owners);
}
