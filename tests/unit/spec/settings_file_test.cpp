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

TEST(ASettingsFile, IsRefusedForWhatIsNoLabelOfSelinux) {
    EXPECT_EQ(trusted("[Exec]\nSELinuxContext=lisa\n").problems.at(0).sentence,
              "/etc/systemd/nspawn/web.nspawn:2: SELinuxContext=: 'lisa' is no SELinux label");
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
    const SettingsFile file = untrusted("[Exec]\nHostname=a/b\nKillSignal=x\nPrivateUsers=no\n");
    EXPECT_THAT(file.problems, IsEmpty());
    EXPECT_THAT(file.warnings, SizeIs(3));
}

namespace {

const Path etc = "/etc/systemd/nspawn/web.nspawn";
const Path drop_in = "/etc/systemd/nspawn/web.nspawn.d/10-a.conf";

SettingsFile together(std::vector<SettingsSource> sources) {
    return parse_settings(sources);
}

} // namespace

TEST(ADropIn, ReplacesWhatTheFileSays) {
    const SettingsFile file =
        together({{etc, "[Exec]\nHostname=one\nUser=a\n", true}, {drop_in, "[Exec]\nHostname=two\n", true}});
    EXPECT_EQ(file.settings.hostname, "two");
    EXPECT_EQ(file.settings.user, "a");
}

TEST(ADropIn, AddsToListsAndAnEmptyAssignmentTakesThemBack) {
    const SettingsFile added =
        together({{etc, "[Files]\nBind=/a\nOverlay=/l:/u:/d\n", true}, {drop_in, "[Files]\nBind=/b\n", true}});
    EXPECT_THAT(*added.settings.extra_mounts, SizeIs(3));

    const SettingsFile taken_back =
        together({{etc, "[Files]\nBind=/a\nOverlay=/l:/u:/d\n", true}, {drop_in, "[Files]\nBind=\nBind=/b\n", true}});
    ASSERT_THAT(*taken_back.settings.extra_mounts, SizeIs(2));
    EXPECT_EQ(taken_back.settings.extra_mounts->at(1).destination, "/b");
}

TEST(ADropIn, PutsAValueRightThatHasNoMeaning) {
    EXPECT_THAT(
        together({{etc, "[Exec]\nOOMScoreAdjust=x\n", true}, {drop_in, "[Exec]\nOOMScoreAdjust=\n", true}}).problems,
        IsEmpty());
}

TEST(ADropIn, IsComplainedAboutByItsOwnLine) {
    const SettingsFile file =
        together({{etc, "[Exec]\nBoot=yes\n", true}, {drop_in, "\n[Exec]\nProcessTwo=yes\nKillSignal=x\n", true}});
    ASSERT_THAT(file.problems, SizeIs(2));
    EXPECT_EQ(file.problems[0].sentence, drop_in.string() + ":3: Boot=yes and ProcessTwo=yes exclude each other");
    EXPECT_EQ(file.problems[1].file, drop_in);
    EXPECT_EQ(file.problems[1].line, 4U);
}

TEST(ADropIn, ThatIsNotTrustedTakesNothingBackThatATrustedFileSays) {
    const SettingsFile file = together({{etc, "[Exec]\nNoNewPrivileges=yes\nDropCapability=CAP_CHOWN\n", true},
                                        {drop_in, "[Exec]\nNoNewPrivileges=no\nDropCapability=\nHostname=a\n", false}});
    EXPECT_EQ(file.settings.no_new_privileges, true);
    EXPECT_EQ(file.settings.capabilities->drop, 1U);
    EXPECT_EQ(file.settings.hostname, "a");
    EXPECT_THAT(file.warnings, SizeIs(2));
}

TEST(ADropIn, IsTrustedWhereItsFileIsNot) {
    const SettingsFile file = together({{"/srv/web.nspawn", "[Files]\nBind=/secret\n[Exec]\nBoot=yes\n", false},
                                        {drop_in, "[Files]\nBind=/shared\n", true}});
    ASSERT_THAT(*file.settings.extra_mounts, SizeIs(1));
    EXPECT_EQ(file.settings.extra_mounts->at(0).destination, "/shared");
    EXPECT_EQ(file.settings.start->boot, true);
}

TEST(ASettingsFile, SaysEverythingThatOptionsCan) {
    const SettingsFile file = trusted("[Exec]\nConsole=pipe\nBackground=\nSetCredential=a:b\nLoadCredential=c:/d\n"
                                      "[Files]\nRootDirectory=/srv/web\nTemplate=/srv/base\nLayer=disk\n"
                                      "RootImagePolicy=root=verity\nRootVerity=/v\n"
                                      "RootHash=00112233445566778899aabbccddeeff\n"
                                      "[Unit]\nSlice=web\nProperty=MemoryMax=1G\nProperty=TasksMax=9\nRegister=no\n"
                                      "KeepUnit=yes\n");
    EXPECT_THAT(file.problems, IsEmpty());
    EXPECT_THAT(file.warnings, IsEmpty());
    EXPECT_EQ(file.settings.console, ConsoleSetting::pipe);
    EXPECT_EQ(file.settings.background, "");
    EXPECT_THAT(*file.settings.credentials, SizeIs(2));
    EXPECT_EQ(file.settings.image->directory, "/srv/web");
    EXPECT_EQ(file.settings.image->make_from, "/srv/base");
    EXPECT_EQ(file.settings.layer, LayerChoice::disk);
    EXPECT_TRUE(file.settings.image_policy && file.settings.verity_data && file.settings.root_hash);
    EXPECT_EQ(file.settings.slice, "web.slice");
    EXPECT_THAT(*file.settings.unit_properties, ElementsAre("MemoryMax=1G", "TasksMax=9"));
    EXPECT_EQ(file.settings.registration, Registration::no);
    EXPECT_EQ(file.settings.keep_unit, true);
}

TEST(ASettingsFile, NamesOneImageOnly) {
    EXPECT_THAT(trusted("[Files]\nRootDirectory=/a\nRootImage=/b\n").problems.at(0).sentence,
                HasSubstr(":3: RootImage= and RootDirectory= exclude each other"));
    EXPECT_THAT(trusted("[Files]\nRootDirectory=a\n").problems, SizeIs(1));
}

TEST(ASettingsFile, LimitsTheControlGroup) {
    const SettingsFile file = trusted("[Resources]\nMemoryMax=1G\nMemoryMax=2G\nIOReadIOPSMax=/dev/a 5\n"
                                      "IOReadIOPSMax=/dev/b 6\nCPUWeight=0\n");
    EXPECT_THAT(*file.settings.group_limits,
                ElementsAre("MemoryMax=2G", "IOReadIOPSMax=/dev/a 5", "IOReadIOPSMax=/dev/b 6"));
    ASSERT_THAT(file.problems, SizeIs(1));
    EXPECT_THAT(file.problems[0].sentence, HasSubstr(":6: CPUWeight=: '0' is no value of it"));
}

TEST(SettingsFiles, MayLieBesideTheImageWhateverTheSlashes) {
    EXPECT_EQ(directory_beside("/var/lib/machines/web/"), "/var/lib/machines");
    EXPECT_EQ(directory_beside("/var/lib/machines/web.raw"), "/var/lib/machines");
    EXPECT_FALSE(directory_beside("/"));
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
