// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/setting_origins.hpp"

#include "requests.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

const std::vector<SettingsSource> sources{
    {"/etc/web.nspawn", "[Exec]\nHostname=file\nUser=a\nCapability=CAP_BPF\nLimitNOFILE=5\n[Files]\nBind=/a\n", true},
    {"/etc/web.nspawn.d/x.conf", "\n[Exec]\nUser=b\n[Files]\nBind=/b\n", true}};

// "value origin" of each assignment that counts.
std::vector<std::string> shown(const std::vector<std::string>& options, std::string_view key) {
    std::vector<std::string> texts;
    for (const SettingWithOrigin& setting : settings_with_origins(parsed(options), parse_settings(sources)))
        if (setting.row->key == key)
            texts.push_back(setting.value + " " + setting.origin);
    return texts;
}

} // namespace

TEST(TheOriginOfASetting, IsTheLineThatCountsInTheEnd) {
    EXPECT_THAT(shown({}, "Hostname"), ElementsAre("file /etc/web.nspawn:2"));
    EXPECT_THAT(shown({}, "User"), ElementsAre("b /etc/web.nspawn.d/x.conf:3"));
    EXPECT_THAT(shown({}, "Bind"), ElementsAre("/a /etc/web.nspawn:7", "/b /etc/web.nspawn.d/x.conf:5"));
}

TEST(TheOriginOfASetting, IsTheDefaultWhereNobodyWroteIt) {
    EXPECT_THAT(shown({}, "Boot"), ElementsAre("no default"));
    EXPECT_THAT(shown({}, "PivotRoot"), ElementsAre(" default"));
}

TEST(TheOriginOfASetting, IsTheCommandLineForItsWholeGroup) {
    const std::vector<std::string> options{"--hostname=line", "--drop-capability=CAP_CHOWN", "--tmpfs=/t",
                                           "--rlimit=RLIMIT_NOFILE=9"};

    EXPECT_THAT(shown(options, "Hostname"), ElementsAre("line command line"));
    EXPECT_THAT(shown(options, "Capability"), ElementsAre(" default"));
    EXPECT_THAT(shown(options, "Bind"), ElementsAre(" default"));
    EXPECT_THAT(shown(options, "TemporaryFileSystem"), ElementsAre("/t command line"));
    EXPECT_THAT(shown(options, "LimitNOFILE"), ElementsAre("9 command line"));
    EXPECT_THAT(shown(options, "User"), ElementsAre("b /etc/web.nspawn.d/x.conf:3"));
}

TEST(TheOriginOfASetting, IsTheFileWhereThatWins) {
    const std::vector<std::string> options{"--settings=override", "--hostname=line", "-b", "--bind=/c"};

    EXPECT_THAT(shown(options, "Hostname"), ElementsAre("file /etc/web.nspawn:2"));
    EXPECT_THAT(shown(options, "Boot"), ElementsAre("yes command line"));
    EXPECT_THAT(shown(options, "Bind"), ElementsAre("/a /etc/web.nspawn:7", "/b /etc/web.nspawn.d/x.conf:5"));
}

TEST(TheOriginOfASetting, IsNoFileThatIsNotRead) {
    EXPECT_THAT(shown({"--settings=no"}, "Hostname"), ElementsAre(" default"));
}

TEST(TheOriginOfASetting, IsKnownForShortSpellings) {
    EXPECT_THAT(shown({"-U"}, "PrivateUsers"), ElementsAre("pick command line"));
    EXPECT_THAT(shown({"-U"}, "PrivateUsersOwnership"), ElementsAre("auto command line"));
    EXPECT_THAT(shown({"-jP"}, "LinkJournal"), ElementsAre("try-guest command line"));
    EXPECT_THAT(shown({"-jP"}, "Console"), ElementsAre("pipe command line"));
    EXPECT_THAT(shown({"--key=Resources.MemoryMax=1G"}, "MemoryMax"), ElementsAre("1G command line"));
    EXPECT_THAT(shown({"-x", "--", "ls", "-l"}, "Parameters"), ElementsAre("ls -l command line"));
}

TEST(TheOriginOfASetting, TellsNoSecrets) {
    EXPECT_THAT(shown({"--set-credential=name:secret"}, "SetCredential"), ElementsAre("name:(not shown) command line"));
}

} // namespace machinist
