// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/own_start.hpp"

#include "base/failure.hpp"

#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

using namespace machinist;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::UnorderedElementsAre;

namespace {

OwnStartWish wish_for(std::vector<std::string> words) {
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    const CommandLine line = parse_command_line(Manner::machinist, pointers);
    EXPECT_TRUE(line.problems.empty());
    return own_start_wish(line);
}

std::string refusal_of(const std::vector<std::string>& words) {
    try {
        (void)wish_for(words);
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), FailureKind::not_permitted);
        return failure.what();
    }
    return "none";
}

std::vector<std::string> names_of(const NamedValues& options) {
    std::vector<std::string> names;
    for (const auto& [name, value] : options)
        names.push_back(name);
    return names;
}

} // namespace

class AStartOfOnesOwn : public ::testing::Test {
protected:
    void SetUp() override {
        ::unsetenv("TERM");
        ::unsetenv("XDG_STATE_HOME");
        ::setenv("HOME", "/home/alice", 1);
    }
};

TEST_F(AStartOfOnesOwn, StandsOnTheDirectoryAsItIsHere) {
    EXPECT_EQ(wish_for({"-D", "/trees/web/"}).directory, "/trees/web");
    EXPECT_EQ(wish_for({"-D", "web"}).directory, (std::filesystem::current_path() / "web").string());
    EXPECT_EQ(wish_for({"-D", "/trees/web"}).machine, "web");
    EXPECT_EQ(wish_for({"-D", "/trees/web", "-M", "db"}).machine, "db");
    EXPECT_THAT(wish_for({"-D", "/trees/web", "-x"}).machine, MatchesRegex("web-[0-9a-f]{16}"));
}

TEST_F(AStartOfOnesOwn, FindsNamesAmongOnesOwnImages) {
    EXPECT_EQ(wish_for({"-M", "web"}).directory, "/home/alice/.local/state/machines/web");
    EXPECT_EQ(own_boot_wish("web").directory, "/home/alice/.local/state/machines/web");
    ::setenv("XDG_STATE_HOME", "/state", 1);
    EXPECT_EQ(own_boot_wish("web").directory, "/state/machines/web");
    EXPECT_EQ(own_boot_wish("/trees/web").directory, "/trees/web");
    EXPECT_THROW((void)own_boot_wish(".hidden"), Failure);
}

TEST_F(AStartOfOnesOwn, HandsItsOptionsOn) {
    ::setenv("GIVEN", "by name", 1);
    const OwnStartWish wish =
        wish_for({"-qbnx", "-D", "/web", "--private-users=managed", "--private-network", "--hostname=here", "-E", "A=b",
                  "-EGIVEN", "-EMISSING_HERE", "--volatile", "--", "single"});

    EXPECT_THAT(names_of(wish.options),
                UnorderedElementsAre("boot", "network-veth", "ephemeral", "hostname", "setenv", "volatile", "command"));
    EXPECT_THAT(std::get<std::vector<std::string>>(wish.options.at("setenv")), ElementsAre("A=b", "GIVEN=by name"));
    EXPECT_THAT(std::get<std::vector<std::string>>(wish.options.at("command")), ElementsAre("single"));
    EXPECT_TRUE(std::get<bool>(wish.options.at("boot")));
    EXPECT_TRUE(wish.quiet);
    EXPECT_TRUE(wish.may_use_terminal);
}

TEST_F(AStartOfOnesOwn, UsesNoTerminalWhereItIsToldNotTo) {
    EXPECT_FALSE(wish_for({"-D", "/web", "-P"}).may_use_terminal);
    EXPECT_FALSE(wish_for({"-D", "/web", "--console=pipe"}).may_use_terminal);
    EXPECT_TRUE(wish_for({"-D", "/web", "--console=interactive"}).may_use_terminal);
}

TEST_F(AStartOfOnesOwn, NamesWhatNeedsRoot) {
    EXPECT_THAT(refusal_of({"-D", "/web", "--bind=/etc"}), HasSubstr("--bind needs root"));
    EXPECT_THAT(refusal_of({"-D", "/web", "-U"}), HasSubstr("-U needs root"));
    EXPECT_THAT(refusal_of({"-D", "/web", "--private-users=no"}), HasSubstr("--private-users needs root"));
    EXPECT_THAT(refusal_of({"-i", "/web.raw"}), HasSubstr("--image needs root"));
    EXPECT_THAT(refusal_of({"-D", "/web", "-p", "8080:80"}), HasSubstr("--port needs root"));
}
