// SPDX-License-Identifier: LGPL-2.1-or-later
#include "requests.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::Contains;
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

TEST(AForwardedJournal, HasItsPlaceItsLimitsAndACredentialThatSaysWhereItGoes) {
    const MachineSpec spec =
        nspawn({"-b", "--forward-journal=web.journal", "--forward-journal-max-use=1G", "--forward-journal-keep-free=4K",
                "--forward-journal-max-file-size=64M", "--forward-journal-max-files=3", "--set-credential=mine:x"})
            .spec();

    ASSERT_TRUE(spec.integration.forwarded_journal);
    EXPECT_EQ(spec.integration.forwarded_journal->output, "/srv/web.journal");
    EXPECT_EQ(spec.integration.forwarded_journal->max_use, std::uint64_t{1} << 30);
    EXPECT_EQ(spec.integration.forwarded_journal->keep_free, 4096U);
    EXPECT_EQ(spec.integration.forwarded_journal->max_file_size, std::uint64_t{64} << 20);
    EXPECT_EQ(spec.integration.forwarded_journal->max_files, 3U);
    ASSERT_THAT(spec.credentials, SizeIs(2));
    EXPECT_EQ(spec.credentials[0].name, "journal.forward_to_socket");
    EXPECT_EQ(spec.credentials[0].value, "/run/host/journal/socket");
}

TEST(AForwardedJournal, IsNotToBeHadBesideACredentialOfTheSameName) {
    for (const char* option : {"--set-credential=journal.forward_to_socket:/run/mine",
                               "--load-credential=journal.forward_to_socket:/etc/mine"})
        EXPECT_THAT(nspawn({"-b", "--forward-journal=/var/log/web", option}).sentences(),
                    Contains(HasSubstr("'journal.forward_to_socket' exclude each other")));
    EXPECT_THAT(nspawn({"-b", "--set-credential=journal.forward_to_socket:/run/mine"}).spec().credentials, SizeIs(1));
}

TEST(AForwardedJournal, IsOfTheMachinesFilesAndOfTheCommandLineTogether) {
    Decision decision = nspawn({"-b", "--forward-journal-max-files=9"});
    decision.settings_file = "[Exec]\nForwardJournal=/var/log/web\nForwardJournalMaxUse=1M\nForwardJournalMaxFiles=3\n";

    const auto forwarded = decision.spec().integration.forwarded_journal;

    ASSERT_TRUE(forwarded);
    EXPECT_EQ(forwarded->output, "/var/log/web");
    EXPECT_EQ(forwarded->max_use, std::uint64_t{1} << 20);
    EXPECT_EQ(forwarded->max_files, 9U);
}

TEST(AForwardedJournal, HasNoRelativePlaceInASettingsFileAndNoLimitsThatAreNone) {
    Decision decision = nspawn({"-b"});
    decision.settings_file = "[Exec]\nForwardJournal=web.journal\n";
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("is no absolute path")));
    EXPECT_THAT(nspawn({"-b", "--forward-journal=/x", "--forward-journal-max-use=much"}).sentences(),
                ElementsAre(HasSubstr("is no number of bytes")));
    EXPECT_THAT(nspawn({"-b", "--forward-journal=/x", "--forward-journal-max-files=1K"}).sentences(),
                ElementsAre(HasSubstr("is no number")));
}

TEST(AForwardedJournal, IsWarnedOfWhereNothingWouldCome) {
    EXPECT_THAT(nspawn({"-b", "--forward-journal-max-use=1G"}).resolved().warnings, SizeIs(1));
    Decision decision = nspawn({"-b", "--forward-journal=/var/log/web"});
    EXPECT_THAT(decision.resolved().warnings, IsEmpty());
    decision.image.init.systemd_version = 256;
    EXPECT_THAT(decision.resolved().warnings, IsEmpty());
    decision.image.init.systemd_version = 252;
    ASSERT_THAT(decision.resolved().warnings, SizeIs(1));
    EXPECT_THAT(decision.resolved().warnings[0].sentence, HasSubstr("(systemd 252) does not send its journal"));
}

} // namespace machinist
