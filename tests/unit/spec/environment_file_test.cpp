// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/environment_file.hpp"

#include <gtest/gtest.h>

namespace machinist {

using Assignments = std::vector<std::pair<std::string, std::string>>;

TEST(AnEnvironmentFile, KnowsTheQuotesOfOsRelease) {
    const auto read =
        parse_environment_file("# comment\n; comment\nID=debian\nPRETTY_NAME=\"Debian \\\"12\\\"\"\nA='x $y'\n"
                               "B = one\\ two  \nC=\n  D=\"a\nb\"");

    ASSERT_TRUE(read);
    EXPECT_EQ(*read, (Assignments{{"ID", "debian"},
                                  {"PRETTY_NAME", "Debian \"12\""},
                                  {"A", "x $y"},
                                  {"B", "one two"},
                                  {"C", ""},
                                  {"D", "a\nb"}}));
}

TEST(AnEnvironmentFile, IsNothingIfAQuoteStaysOpen) {
    EXPECT_FALSE(parse_environment_file("A=\"b\nC=d\n"));
    EXPECT_FALSE(parse_environment_file("A='"));
}

TEST(AnEnvironmentFile, EndsWellWithABackslash) {
    const auto read = parse_environment_file("A=b\\");

    ASSERT_TRUE(read);
    EXPECT_EQ(*read, (Assignments{{"A", "b"}}));
}

} // namespace machinist
