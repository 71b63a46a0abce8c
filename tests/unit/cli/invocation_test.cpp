// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/clock_text.hpp"
#include "cli/control/host_units.hpp"
#include "cli/control/invocation.hpp"
#include "cli/control/verbs.hpp"

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

TEST(AnInvocation, IsAboutOnesOwnMachinesByTheOptionBeforeTheVerb) {
    EXPECT_TRUE(parse({"--user", "list"}).of_user);
    EXPECT_TRUE(parse({"--user", "exec", "web", "id"}).of_user);
    EXPECT_FALSE(parse({"exec", "--user", "alice", "web", "id"}).of_user);
    EXPECT_FALSE(parse({"--system", "list"}).of_user);
}

TEST(AnInvocation, IsRefusedForOnesOwnWhereItIsAboutImagesOfTheHost) {
    EXPECT_NO_THROW((void)find_verb(parse({"--user", "start", "web"})));
    EXPECT_THROW((void)find_verb(parse({"--user", "remove", "web"})), Failure);
    EXPECT_THROW((void)find_verb(parse({"--user", "bind", "web", "/etc"})), Failure);
}

TEST(AnInvocation, NamesOtherHostsAndMachinesForVerbsThatReachThere) {
    EXPECT_EQ(parse({"-H", "root@there", "list"}).host, "root@there");
    EXPECT_EQ(parse({"-M", "web", "status", "db"}).container, "web");
    EXPECT_FALSE(parse({"status", "db"}).is_remote());
    EXPECT_NO_THROW((void)find_verb(parse({"-H", "there", "poweroff", "web"})));
    for (const Words& words : {Words{"-H", "there", "exec", "web", "true"}, Words{"-M", "web", "commit", "a", "b"}}) {
        try {
            (void)find_verb(parse(words));
            ADD_FAILURE() << words[2];
        } catch (const Failure& failure) {
            EXPECT_EQ(failure.kind(), FailureKind::not_supported) << words[2];
        }
    }
}

TEST(AnInvocation, TakesTheModesOfTheJournalForItsLinesOnly) {
    const Invocation call = parse({"status", "-o", "cat", "-n", "3", "web"});

    EXPECT_EQ(call.output, OutputMode::text);
    EXPECT_EQ(call.journal_output, "cat");
    EXPECT_EQ(call.lines, 3U);
    EXPECT_EQ(parse({"list", "-o", "json-pretty"}).output, OutputMode::json_pretty);
}

TEST(AnInvocation, NamesTheUnitsThatStartMachines) {
    Invocation call = parse({"enable", "web-1"});
    EXPECT_EQ(unit_of_machine(call, "web-1"), "machinist@web-1.service");
    call.as_machinectl = true;
    EXPECT_EQ(unit_of_machine(call, "web-1"), "systemd-nspawn@web-1.service");
    EXPECT_EQ(unit_of_machine(parse({"enable", "--runner=vmspawn"}), "web"), "systemd-vmspawn@web.service");
}

TEST(TheClock, TellsSpansAsSystemdDoes) {
    constexpr std::uint64_t second = 1'000'000;
    EXPECT_EQ(ago_text(0), "now");
    EXPECT_EQ(ago_text(937'000), "937ms ago");
    EXPECT_EQ(ago_text(30 * second), "30s ago");
    EXPECT_EQ(ago_text(200 * second), "3min 20s ago");
    EXPECT_EQ(ago_text(301 * second), "5min ago");
    EXPECT_EQ(ago_text(3'700 * second), "1h 1min ago");
    EXPECT_EQ(ago_text(6 * 3'600 * second), "6h ago");
    EXPECT_EQ(ago_text(26 * 3'600 * second), "1 day 2h ago");
    EXPECT_EQ(ago_text(3 * 86'400 * second), "3 days ago");
    EXPECT_EQ(ago_text(8 * 86'400 * second), "1 week 1 day ago");
}

} // namespace machinist
