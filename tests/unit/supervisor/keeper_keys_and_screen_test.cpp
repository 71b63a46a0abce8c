// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/hotkeys.hpp"
#include "supervisor/keeper/screen.hpp"

#include <gtest/gtest.h>
#include <string>

namespace machinist::keeper {
namespace {

class TypedKeys : public ::testing::Test {
protected:
    std::string forward(std::string_view keys, Milliseconds time) {
        std::string out(64, '\0');
        std::span<const char> in{keys};
        out.resize(hotkeys.forward(in, out, time));
        return out;
    }
    Hotkeys hotkeys;
};

TEST_F(TypedKeys, AreForwarded) {
    EXPECT_EQ(forward("ls\r\035", 0), "ls\r\035");
    EXPECT_EQ(hotkeys.take(), Hotkeys::Action::none);
}

TEST_F(TypedKeys, KillByThreeEscapes) {
    EXPECT_EQ(forward("\035\035\035", 0), "\035\035");
    EXPECT_EQ(hotkeys.take(), Hotkeys::Action::kill);
}

TEST_F(TypedKeys, MayComeOneByOneWithinASecond) {
    forward("\035", 5000);
    forward("\035", 5500);

    EXPECT_EQ(forward("p", 6000), "");
    EXPECT_EQ(hotkeys.take(), Hotkeys::Action::power_off);
}

TEST_F(TypedKeys, AreForwardedWhenTheyComeTooLate) {
    forward("\035\035", 5000);

    EXPECT_EQ(forward("r", 6001), "r");
    EXPECT_EQ(hotkeys.take(), Hotkeys::Action::none);
}

TEST_F(TypedKeys, CountTheLastTwoEscapes) {
    forward("\035", 0);
    forward("\035", 900);
    forward("\035", 1100);

    EXPECT_EQ(forward("r", 1200), "");
    EXPECT_EQ(hotkeys.take(), Hotkeys::Action::reboot);
}

TEST_F(TypedKeys, MustFollowEachOther) {
    EXPECT_EQ(forward("\035\035x\035p", 0), "\035\035x\035p");
    EXPECT_EQ(hotkeys.take(), Hotkeys::Action::none);
}

std::string painted(Screen& screen, std::string_view text) {
    std::string all;
    std::span<const char> in{text};
    while (!in.empty()) {
        char room[80];
        all.append(room, screen.paint(in, room));
    }
    return all;
}

TEST(AScreen, PassesTextUnchangedWithoutATint) {
    Screen screen;
    const std::string text = "a\033[0m\033]0;title\a\r\n\033c";

    EXPECT_EQ(painted(screen, text), text);
}

TEST(AScreen, TintsEachNewLine) {
    Screen screen{"44"};

    EXPECT_EQ(painted(screen, "a\nb"), "a\n\033[44m\033[Kb");
}

TEST(AScreen, KeepsTheTintWhenAttributesAreReset) {
    for (const char* reset : {"\033[m", "\033[0m", "\033[1;49m", "\033[0;1m", "\033[44;0m"}) {
        Screen screen{"48;5;17"};

        EXPECT_EQ(painted(screen, reset), std::string{reset} + "\033[48;5;17m");
    }
}

TEST(AScreen, LeavesBackgroundsOfTheMachineAlone) {
    for (const char* own : {"\033[41m", "\033[0;41m", "\033[38;5;0m", "\033[38;2;0;0;0m", "\033[0;48;5;0m", "\033[1m",
                            "\033[0;104m", "\033[2J"}) {
        Screen screen{"44"};

        EXPECT_EQ(painted(screen, own), own);
    }
}

TEST(AScreen, TakesNoTextOfATitleForText) {
    Screen screen{"44"};

    EXPECT_EQ(painted(screen, "\033]0;a\033[0m\nb\033\\"), "\033]0;a\033[0m\nb\033\\");
}

TEST(AScreen, KnowsWhetherALineWasBegun) {
    Screen screen;
    painted(screen, "text");
    EXPECT_TRUE(screen.inside_a_line());

    painted(screen, "\r\n\033[0m");
    EXPECT_FALSE(screen.inside_a_line());
}

TEST(AScreen, SurvivesBrokenSequences) {
    Screen screen{"44"};
    std::string noise;
    for (int i = 0; i < 5000; ++i)
        noise += static_cast<char>((i * 7919) >> 3);

    EXPECT_GE(painted(screen, noise + "\033[99999999999999;;;;m\033[38;2;m").size(), noise.size());
}

} // namespace
} // namespace machinist::keeper
