// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/invocation.hpp"

#include "base/failure.hpp"

#include <gtest/gtest.h>

namespace machinist {

namespace {

using Words = std::vector<std::string>;

Invocation parse(Words words) {
    std::vector<char*> pointers;
    for (std::string& word : words)
        pointers.push_back(word.data());
    return parse_invocation(pointers);
}

FailureKind kind_of_failure(const Words& words) {
    try {
        (void)parse(words);
    } catch (const Failure& failure) {
        return failure.kind();
    }
    return FailureKind::internal;
}

} // namespace

TEST(AnInvocation, ListsIfItSaysNothing) {
    EXPECT_EQ(parse({}).verb, "list");
    EXPECT_EQ(parse({"--no-legend"}).verb, "list");
    EXPECT_FALSE(parse({"--no-legend"}).legend);
}

TEST(AnInvocation, TakesOptionsAnywhereAndAbbreviated) {
    const Invocation call = parse({"--no-leg", "show", "web", "-pLeader", "db", "--prop=Id", "--value"});

    EXPECT_EQ(call.verb, "show");
    EXPECT_EQ(call.words, (Words{"web", "db"}));
    EXPECT_EQ(call.properties, (Words{"Leader", "Id"}));
    EXPECT_TRUE(call.only_values);
    EXPECT_TRUE(call.show_empty);
}

TEST(AnInvocation, LeavesTheCommandOfExecAlone) {
    for (const Words& words :
         {Words{"exec", "web", "ls", "-l", "--all"}, Words{"exec", "web", "--", "ls", "-l", "--all"},
          Words{"exec", "--", "web", "ls", "-l", "--all"}}) {
        const Invocation call = parse(words);

        EXPECT_EQ(call.words, Words{"web"});
        EXPECT_EQ(call.command, (Words{"ls", "-l", "--all"}));
        EXPECT_FALSE(call.show_empty);
    }
}

TEST(AnInvocation, TakesOptionsOfExecBeforeAndBehindTheName) {
    const Invocation call =
        parse({"exec", "--user", "alice", "web", "--timeout=2min", "-E", "A=b", "--", "--not-ours"});

    EXPECT_EQ(call.user, "alice");
    EXPECT_EQ(call.seconds, 120);
    EXPECT_EQ(call.environment, Words{"A=b"});
    EXPECT_EQ(call.command, Words{"--not-ours"});
}

TEST(AnInvocation, KeepsASecondDoubleDashForTheCommand) {
    EXPECT_EQ(parse({"exec", "web", "--", "sh", "--", "x"}).command, (Words{"sh", "--", "x"}));
}

TEST(AnInvocation, ReadsTimesAsSystemdDoes) {
    EXPECT_EQ(parse({"wait", "--timeout=1.5"}).seconds, 1.5);
    EXPECT_EQ(parse({"wait", "--timeout=200ms"}).seconds, 0.2);
    EXPECT_EQ(parse({"wait", "--timeout=1h"}).seconds, 3600);
}

TEST(AnInvocation, RefusesValuesThatMeanNothing) {
    for (const Words& words :
         {Words{"kill", "-s", "NOPE"}, Words{"list", "-o", "xml"}, Words{"wait", "--for=Godot"},
          Words{"wait", "--for=exec="}, Words{"kill", "--kill-whom=me"}, Words{"wait", "--timeout=-1"},
          Words{"wait", "--timeout=soon"}, Words{"wait", "--timeout=nan"}, Words{"list", "--max-addresses=x"},
          Words{"exec", "-E", "=x", "web"}, Words{"poweroff", "--then=pray"}})
        EXPECT_EQ(kind_of_failure(words), FailureKind::invalid) << words[1];
}

TEST(AnInvocation, RefusesOptionsThatItDoesNotKnow) {
    EXPECT_EQ(kind_of_failure({"list", "--frobnicate"}), FailureKind::usage);
    EXPECT_EQ(kind_of_failure({"list", "-Z"}), FailureKind::usage);
    EXPECT_EQ(kind_of_failure({"list", "--output"}), FailureKind::usage);
    EXPECT_EQ(kind_of_failure({"show", "--m"}), FailureKind::usage);
}

TEST(AnInvocation, RefusesOtherHostsAndUsersManagers) {
    for (const Words& words : {Words{"--user", "list"}, Words{"-H", "there", "list"}, Words{"-M", "web", "list"}})
        EXPECT_EQ(kind_of_failure(words), FailureKind::not_supported);
}

} // namespace machinist
