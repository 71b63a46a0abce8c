// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/machine_name.hpp"

#include <gtest/gtest.h>

namespace machinist {

TEST(AMachineName, IsMadeOfLabelsJoinedByDots) {
    for (const std::string& text :
         {std::string{"web"}, std::string{"a"}, std::string{"web-1.example_x"}, std::string(64, 'a')})
        EXPECT_TRUE(MachineName::parse(text)) << text;
}

TEST(AMachineName, IsNothingThatCouldBecomeAPathOrALine) {
    for (const char* text : {"", ".", "..", ".web", "web.", "a..b", "a/b", "a b", "a\nb", "../x", "ü", "a@b", "a:b"})
        EXPECT_FALSE(MachineName::parse(text)) << text;
    EXPECT_FALSE(MachineName::parse(std::string(65, 'a')));
    EXPECT_FALSE(MachineName::parse(std::string_view{"a\0b", 3}));
}

TEST(AMachineName, IsCleanedOutOfAnyText) {
    EXPECT_EQ(MachineName::cleaned("my image!")->text(), "myimage");
    EXPECT_EQ(MachineName::cleaned("..debian..12.")->text(), "debian.12");
    EXPECT_EQ(MachineName::cleaned(std::string(80, 'x'))->text(), std::string(64, 'x'));
    EXPECT_FALSE(MachineName::cleaned("///"));
}

} // namespace machinist
