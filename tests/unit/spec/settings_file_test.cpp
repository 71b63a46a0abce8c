// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/settings_file.hpp"

#include "requests.hpp"
#include "spec/option_table.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace {

SettingsFile trusted(std::string_view text) {
    return parse_settings_file(text, "/etc/systemd/nspawn/web.nspawn", true);
}

SettingsFile untrusted(std::string_view text) {
    return parse_settings_file(text, "/var/lib/machines/web.nspawn", false);
}

} // namespace

TEST(ASettingsFile, IsReadBySectionsAndKeys) {
    const SettingsFile file = trusted("[Exec]\nBoot=no\nParameters=ls -l 'a b'\nEnvironment=A=1 \"B=2 3\"\n"
                                      "Environment=C=4\nLimitNOFILE=1024:4096\n[Files]\nBind=/a:/b\nBind=/c\n"
                                      "[Network]\nPrivate=yes\n");
    EXPECT_THAT(file.problems, IsEmpty());
    EXPECT_THAT(file.warnings, IsEmpty());
    EXPECT_THAT(file.settings.start->parameters, ElementsAre("ls", "-l", "a b"));
    EXPECT_THAT(*file.settings.environment, ElementsAre("A=1", "B=2 3", "C=4"));
    EXPECT_THAT(*file.settings.extra_mounts, SizeIs(2));
    EXPECT_EQ(file.settings.network->is_private, true);
}

TEST(ASettingsFile, MaySpreadAnAssignmentOverLines) {
    const SettingsFile file =
        trusted("\xEF\xBB\xBF; text\r\n[Exec]\r\nCapability=CAP_BPF \\\r\n# between\r\n CAP_CHOWN\r\n");
    EXPECT_THAT(file.problems, IsEmpty());
    EXPECT_EQ(file.settings.capabilities->add, std::uint64_t{1} << 39 | 1U);
}

TEST(ASettingsFile, IsComplainedAboutByLine) {
    const SettingsFile file = trusted("[Exec]\n\nOOMScoreAdjust=x\nFoo=1\n[Odd]\nA=b\nrubbish\n[X-Mine]\nA=b\n");
    ASSERT_THAT(file.problems, SizeIs(1));
    EXPECT_EQ(file.problems[0].sentence,
              "/etc/systemd/nspawn/web.nspawn:3: OOMScoreAdjust=: 'x' is no number from -1000 to 1000");
    ASSERT_THAT(file.warnings, SizeIs(3));
    EXPECT_THAT(file.warnings[0].sentence, HasSubstr(":4: unknown key 'Foo' in section [Exec], ignored"));
    EXPECT_THAT(file.warnings[1].sentence, HasSubstr(":5: unknown section '[Odd]', ignored"));
    EXPECT_THAT(file.warnings[2].sentence, HasSubstr(":7: 'rubbish' is no assignment, ignored"));
}

TEST(ASettingsFile, CannotBootAndRunAsASecondProcess) {
    EXPECT_THAT(trusted("[Exec]\nBoot=yes\nProcessTwo=yes\n").problems, SizeIs(1));
}

TEST(ASettingsFile, HasParametersOnlyBesideAStartMode) {
    const SettingsFile file = trusted("[Exec]\nParameters=ls\n");
    EXPECT_FALSE(file.settings.start);
    EXPECT_THAT(file.warnings, SizeIs(1));
}

TEST(ASettingsFile, ThatTellsOnlyOfOwnershipAsksForNoUserNamespace) {
    EXPECT_EQ(trusted("[Files]\nPrivateUsersOwnership=chown\n").settings.users->kind, UserNamespaceKind::none);
    EXPECT_EQ(trusted("[Files]\nPrivateUsersChown=yes\n[Exec]\nPrivateUsers=pick\n").settings.users->ownership,
              Ownership::chown);
}

TEST(ASettingsFile, IsRefusedForWhatIsNotBuiltUnlessItIsSwitchedOff) {
    EXPECT_EQ(trusted("[Files]\nBindUser=lisa\n").problems.at(0).sentence,
              "/etc/systemd/nspawn/web.nspawn:2: BindUser= is not built yet in this version");
    EXPECT_THAT(trusted("[Exec]\nPrivateUsers=managed\n").problems, SizeIs(1));
}

TEST(AnUntrustedSettingsFile, LosesEveryKeyThatWidensPrivileges) {
    for (const Option& row : option_table()) {
        if (row.key.empty() || row.trust != Trust::privileged)
            continue;
        const std::string text = "[" + std::string{row.section} + "]\n" + std::string{row.key} + "=yes\n";
        const SettingsFile file = untrusted(text);
        EXPECT_THAT(file.problems, IsEmpty()) << text;
        ASSERT_THAT(file.warnings, SizeIs(1)) << text;
        EXPECT_THAT(file.warnings[0].sentence, HasSubstr("is ignored, because the file is in a place"));
        Settings settings = file.settings;
        std::apply([&](const auto&... group) { EXPECT_TRUE((!group.has_value() && ...)) << text; },
                   groups_of(settings));
    }
}

TEST(AnUntrustedSettingsFile, MayOnlyTakeSystemCallsAway) {
    const SettingsFile file = untrusted("[Exec]\nSystemCallFilter=bpf\nSystemCallFilter=~mount\n");
    EXPECT_THAT(file.settings.syscalls->allow, IsEmpty());
    EXPECT_THAT(file.settings.syscalls->deny, ElementsAre("mount"));
    EXPECT_THAT(file.warnings, SizeIs(1));
}

TEST(AnUntrustedSettingsFile, CannotKeepItsImageFromStarting) {
    const SettingsFile file = untrusted("[Exec]\nHostname=a/b\nKillSignal=x\nPrivateUsers=managed\n");
    EXPECT_THAT(file.problems, IsEmpty());
    EXPECT_THAT(file.warnings, SizeIs(3));
}

TEST(SettingsFiles, AreSoughtInTheOrderOfTheirTrust) {
    const auto places = settings_file_places(*MachineName::parse("web"), "/var/lib/machines/web/");
    ASSERT_THAT(places, SizeIs(3));
    EXPECT_EQ(places[0].path, "/etc/systemd/nspawn/web.nspawn");
    EXPECT_EQ(places[1].path, "/run/systemd/nspawn/web.nspawn");
    EXPECT_TRUE(places[0].trusted && places[1].trusted);
    EXPECT_EQ(places[2].path, "/var/lib/machines/web.nspawn");
    EXPECT_FALSE(places[2].trusted);
    EXPECT_THAT(settings_file_places(*MachineName::parse("web"), "/"), SizeIs(2));
}

TEST(Merging, LetsAnOptionMaskTheWholeGroup) {
    const CommandLine line = parsed({"--bind=/a", "--rlimit=NOFILE=1"});
    const Settings file = trusted("[Files]\nBind=/b\nBind=/c\n[Exec]\nLimitNOFILE=2\nLimitCPU=3\nUser=u\n").settings;
    const Settings settings = merge_settings(line.request, file);
    EXPECT_THAT(*settings.extra_mounts, SizeIs(1));
    EXPECT_EQ(settings.limits[RLIMIT_NOFILE]->soft, 1U);
    EXPECT_EQ(settings.limits[RLIMIT_CPU]->soft, 3U);
    EXPECT_EQ(settings.user, "u");
}

TEST(Merging, FollowsTheOptionSettings) {
    const std::string file = "[Exec]\nBoot=no\nParameters=ls\nHostname=file\n";
    const auto merge = [&](const char* use) {
        return merge_settings(parsed({"-b", use, "--hostname=line"}).request, trusted(file).settings);
    };
    EXPECT_EQ(merge("--settings=yes").hostname, "line");
    EXPECT_EQ(merge("--settings=trusted").start->boot, true);
    EXPECT_EQ(merge("--settings=override").hostname, "file");
    EXPECT_THAT(merge("--settings=override").start->parameters, ElementsAre("ls"));
    EXPECT_FALSE(merge_settings(parsed({"--settings=no"}).request, trusted(file).settings).hostname);
}

} // namespace machinist
