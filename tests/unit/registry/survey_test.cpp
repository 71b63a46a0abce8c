// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/survey.hpp"

#include <gmock/gmock.h>

namespace machinist {

namespace {

using testing::ElementsAre;

} // namespace

TEST(AFindingOfASurvey, TravelsAsItIs) {
    const SurveyFinding finding{.leader = 42,
                                .system = "debian",
                                .version = "",
                                .title = "Debian GNU/Linux",
                                .addresses = {"10.0.0.1", "fe80::1%2"},
                                .has_own_network = true};

    const auto read = read_finding_message(finding_message(finding));

    ASSERT_TRUE(read);
    EXPECT_EQ(read->leader, 42);
    EXPECT_EQ(read->system, "debian");
    EXPECT_EQ(read->version, "");
    EXPECT_EQ(read->title, "Debian GNU/Linux");
    EXPECT_THAT(read->addresses, ElementsAre("10.0.0.1", "fe80::1%2"));
    EXPECT_TRUE(read->has_own_network);
}

TEST(AFindingOfASurvey, FitsIntoOneMessageWhateverItHolds) {
    const SurveyFinding finding{.leader = 1,
                                .system = {},
                                .version = {},
                                .title = {},
                                .addresses = std::vector<std::string>(1000, std::string(40, 'a')),
                                .has_own_network = true};

    EXPECT_LT(finding_message(finding).size(), 8192U);
}

TEST(AFindingOfASurvey, IsNotReadFromWhatIsNone) {
    using namespace std::string_literals;
    for (const std::string& bytes : {""s, "42"s, "42\0own\0"s, "x\0\0\0\0\0"s, "42\0\0\0\0no end"s})
        EXPECT_FALSE(read_finding_message(bytes)) << bytes.size();
}

TEST(ATargetOfASurvey, IsOneWord) {
    const auto target = read_target_word(target_word({.leader = 42, .pidfd_inode = 12345678901}));

    ASSERT_TRUE(target);
    EXPECT_EQ(target->leader, 42);
    EXPECT_EQ(target->pidfd_inode, 12345678901U);
    for (const char* word : {"", "42", ":", "42:", ":1", "0:1", "-1:1", "42:x", "--reply=3"})
        EXPECT_FALSE(read_target_word(word)) << word;
}

} // namespace machinist
