// SPDX-License-Identifier: LGPL-2.1-or-later
#include "requests.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ResolvConf, FollowsTheHostsResolverAndWhatCanBeWritten) {
    struct Case {
        std::vector<std::string> words;
        bool stub;
        bool file;
        ResolvConfMode mode;
    };
    for (const Case& c : std::vector<Case>{{{}, true, true, ResolvConfMode::copy_stub},
                                           {{}, false, true, ResolvConfMode::copy_host},
                                           {{}, false, false, ResolvConfMode::remove},
                                           {{"--private-network"}, true, true, ResolvConfMode::off},
                                           {{"--read-only"}, true, true, ResolvConfMode::bind_stub},
                                           {{"--read-only"}, false, true, ResolvConfMode::bind_host},
                                           {{"--read-only"}, false, false, ResolvConfMode::off},
                                           {{"--volatile=yes"}, false, true, ResolvConfMode::copy_host},
                                           {{"--volatile=overlay"}, false, true, ResolvConfMode::copy_host},
                                           {{"--volatile=state"}, false, true, ResolvConfMode::bind_host},
                                           {{"--resolv-conf=replace-host"}, true, true, ResolvConfMode::replace_host},
                                           {{"--resolv-conf=auto"}, true, true, ResolvConfMode::copy_stub}}) {
        Decision decision = nspawn(c.words);
        decision.host.resolved_stub = c.stub;
        decision.host.has_resolv_conf = c.file;
        EXPECT_EQ(decision.spec().integration.resolv_conf, c.mode)
            << (c.words.empty() ? "" : c.words[0]) << " " << c.stub << c.file;
    }
}

TEST(TheTimeZone, IsLinkedWhereTheMachineKnowsItAndElseCopied) {
    Decision decision = nspawn({});
    EXPECT_EQ(decision.spec().integration.timezone, TimezoneMode::symlink);
    EXPECT_EQ(decision.spec().integration.timezone_name, "Europe/Berlin");
    decision.image.has_zoneinfo_of_host = false;
    EXPECT_EQ(decision.spec().integration.timezone, TimezoneMode::copy);
    decision.words = {"--read-only"};
    EXPECT_EQ(decision.spec().integration.timezone, TimezoneMode::bind);
    decision.words = {"--timezone=symlink"};
    EXPECT_EQ(decision.spec().integration.timezone, TimezoneMode::off);
    EXPECT_THAT(decision.resolved().warnings, SizeIs(1));
    decision.words = {};
    decision.host.has_localtime = decision.host.localtime_is_symlink = false;
    EXPECT_EQ(decision.spec().integration.timezone, TimezoneMode::remove);
}

TEST(TheJournal, IsLinkedOnlyWhereItStaysAndBelongsToTheMachine) {
    Decision decision = nspawn({"-b"});
    EXPECT_EQ(decision.spec().integration.link_journal, LinkJournalMode::no);
    decision.host.journal_directory_of_machine = true;
    EXPECT_EQ(decision.spec().integration.link_journal, LinkJournalMode::host);
    EXPECT_TRUE(decision.spec().integration.link_journal_may_fail);
    decision.words = {"-xj"};
    EXPECT_EQ(decision.spec().integration.link_journal, LinkJournalMode::no);
    decision.words = {"--link-journal=guest"};
    EXPECT_EQ(decision.spec().integration.link_journal, LinkJournalMode::guest);
    EXPECT_FALSE(decision.spec().integration.link_journal_may_fail);
}

TEST(TheJournal, OfAMachineWithTheHostsIdStaysApart) {
    Decision decision = nspawn({"--link-journal=host", "--uuid=11111111111111111111111111111111"});
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("host and machine have the same id")));
    decision.words[0] = "--link-journal=try-host";
    EXPECT_EQ(decision.spec().integration.link_journal, LinkJournalMode::no);
    EXPECT_THAT(decision.resolved().warnings, SizeIs(1));
}

} // namespace machinist
