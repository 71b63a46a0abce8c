// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/version_order.hpp"

#include "image/versioned_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace machinist {
namespace {

using ::testing::Optional;

class OfTwoVersions : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(OfTwoVersions, TheFirstIsOlder) {
    EXPECT_LT(compare_versions(GetParam().first, GetParam().second), 0);
    EXPECT_GT(compare_versions(GetParam().second, GetParam().first), 0);
}

INSTANTIATE_TEST_SUITE_P(AsSpecified, OfTwoVersions,
                         ::testing::Values(std::pair{"1", "2"}, std::pair{"9", "10"}, std::pair{"1.9", "1.10"},
                                           std::pair{"1~rc1", "1"}, std::pair{"1", "1.1"}, std::pair{"1", "1^post"},
                                           std::pair{"123-3", "123.1"}, std::pair{"123-3", "123^post"},
                                           std::pair{"123^patched-5", "123.1"}, std::pair{"1a", "11"},
                                           std::pair{"", "1"}, std::pair{"~", ""}, std::pair{"1.A", "1.a"},
                                           std::pair{"00000000000000000000009", "10"}));

TEST(AVersion, IsTheSameWithLeadingZerosAndBytesThatMeanNothing) {
    EXPECT_EQ(compare_versions("007.1", "7.1"), 0);
    EXPECT_EQ(compare_versions("1_2", "1_2"), 0);
    EXPECT_EQ(compare_versions("!1!", "1"), 0);
}

TEST(ADirectoryOfVersions, GivesTheNewest) {
    EXPECT_THAT(newest_version({"web_1.9", "web_1.10", "web_1.2"}, "web", "", "x86-64"),
                Optional(std::string{"web_1.10"}));
}

TEST(ADirectoryOfVersions, LeavesOutWhatIsCalledOtherwise) {
    EXPECT_THAT(newest_version({"web_1.raw", "other_9.raw", "web_3", "web.raw", "."}, "web", ".raw", "x86-64"),
                Optional(std::string{"web_1.raw"}));
}

TEST(ADirectoryOfVersions, LeavesOutWhatIsForAnotherArchitecture) {
    EXPECT_THAT(newest_version({"web_2_arm64.raw", "web_1_x86-64.raw"}, "web", ".raw", "x86-64"),
                Optional(std::string{"web_1_x86-64.raw"}));
}

TEST(ADirectoryOfVersions, TakesWhatHasNoTriesLeftOnlyIfThereIsNothingElse) {
    EXPECT_THAT(newest_version({"web_2+0-3", "web_1+2-1"}, "web", "", ""), Optional(std::string{"web_1+2-1"}));
    EXPECT_THAT(newest_version({"web_2+0-3"}, "web", "", ""), Optional(std::string{"web_2+0-3"}));
}

TEST(ADirectoryOfVersions, MayHoldNone) {
    EXPECT_EQ(newest_version({"web", "web_", "web_1+x"}, "web", "", ""), std::nullopt);
}

} // namespace
} // namespace machinist
