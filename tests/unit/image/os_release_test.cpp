// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/os_release.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace machinist;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(AnOsRelease, IsReadWithOrWithoutQuotes) {
    const auto fields = parse_os_release("ID=debian\nNAME=\"Debian GNU/Linux\"\nVERSION_ID='12'\n");

    ASSERT_TRUE(fields);
    EXPECT_THAT(*fields, ElementsAre(Pair("ID", "debian"), Pair("NAME", "Debian GNU/Linux"), Pair("VERSION_ID", "12")));
}

TEST(AnOsRelease, MayHaveCommentsAndEmptyLines) {
    const auto fields = parse_os_release("# the system\n\nID=arch\n; more\n");

    ASSERT_TRUE(fields);
    EXPECT_THAT(*fields, ElementsAre(Pair("ID", "arch")));
}

TEST(AnOsRelease, TakesTheLastOfSeveralLinesForOneName) {
    EXPECT_EQ(parse_os_release("ID=a\nID=b\n")->at("ID"), "b");
}

TEST(AnOsRelease, LeavesOutWhatMustNotReachATerminal) {
    const auto fields = parse_os_release("ID=debian\nNAME=\"\x1b[31mred\"\nVERSION=\"\xff\xfe\"\n");

    ASSERT_TRUE(fields);
    EXPECT_THAT(*fields, ElementsAre(Pair("ID", "debian")));
}

TEST(AnOsRelease, LeavesOutNamesThatAreNone) {
    EXPECT_THAT(*parse_os_release("1D=x\nA B=y\n=z\n"), IsEmpty());
}

TEST(AnOsRelease, CannotBecomeAsLargeAsItsAuthorLikes) {
    std::string text = "ID=debian\n";
    for (int i = 0; i < 10000; ++i)
        text += "X" + std::to_string(i) + "=1\n";

    const auto fields = parse_os_release(text);

    ASSERT_TRUE(fields);
    EXPECT_EQ(fields->size(), 256U);
    EXPECT_EQ(fields->at("ID"), "debian");
}

TEST(AnOsRelease, IsNoneIfAQuoteIsNotClosed) {
    EXPECT_FALSE(parse_os_release("NAME=\"Debian\nID=x\n"));
}
