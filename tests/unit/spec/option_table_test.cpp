// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/option_table.hpp"

#include "requests.hpp"
#include "spec/help_text.hpp"

#include <gmock/gmock.h>
#include <map>
#include <set>

namespace machinist {

using ::testing::HasSubstr;
using ::testing::SizeIs;

namespace {

// A value with a meaning for each parser that wants one.
const std::map<std::string_view, const char*> good_values{
    {"settings", "trusted"},
    {"key", "MemoryMax=1G"},
    {"property", "MemoryMax=1G"},
    {"managed-by", "1000"},
    {"directory", "/tree"},
    {"template", "/tree"},
    {"mstack", "/tree.mstack"},
    {"oci-bundle", "/bundle"},
    {"layer", "disk"},
    {"pivot-root", "/new:/old"},
    {"chdir", "/tmp"},
    {"setenv", "A=B"},
    {"uid", "builder"},
    {"kill-signal", "SIGTERM"},
    {"notify-ready", "yes"},
    {"suppress-sync", "yes"},
    {"machine", "web"},
    {"hostname", "web"},
    {"uuid", "00000000000000000000000000000001"},
    {"register", "no"},
    {"private-users-ownership", "map"},
    {"private-users-delegate", "2"},
    {"network-namespace-path", "/run/netns/a"},
    {"network-interface", "eth0"},
    {"network-macvlan", "eth0"},
    {"network-ipvlan", "eth0"},
    {"network-veth-extra", "ext:int"},
    {"network-bridge", "br0"},
    {"network-zone", "lan"},
    {"network-address", "192.0.2.7/24"},
    {"network-gateway", "192.0.2.1"},
    {"network-dns", "192.0.2.1"},
    {"port", "8080:80"},
    {"capability", "CAP_BPF"},
    {"drop-capability", "CAP_MKNOD"},
    {"ambient-capability", "CAP_CHOWN"},
    {"no-new-privileges", "yes"},
    {"system-call-filter", "bpf"},
    {"restrict-address-families", "AF_INET"},
    {"selinux-context", "u:r:t"},
    {"selinux-apifs-context", "u:r:t"},
    {"rlimit", "NOFILE=1"},
    {"oom-score-adjust", "5"},
    {"cpu-affinity", "0"},
    {"personality", "x86"},
    {"resolv-conf", "off"},
    {"timezone", "off"},
    {"link-journal", "no"},
    {"forward-journal", "/var/log/web.journal"},
    {"forward-journal-max-use", "1G"},
    {"forward-journal-keep-free", "1G"},
    {"forward-journal-max-file-size", "1M"},
    {"forward-journal-max-files", "7"},
    {"bind", "/a"},
    {"bind-ro", "/a"},
    {"inaccessible", "/a"},
    {"tmpfs", "/a"},
    {"bind-user", "builder"},
    {"bind-user-shell", "yes"},
    {"bind-user-group", "wheel"},
    {"device", "/dev/kvm"},
    {"overlay", "/a:/b:/c"},
    {"overlay-ro", "/a:/b:/c"},
    {"console", "pipe"},
    {"background", "44"},
    {"set-credential", "a:b"},
    {"load-credential", "a:/b"},
    {"image-policy", "root=verity"},
    {"root-hash", "00112233445566778899aabbccddeeff"},
};

// Those that say nothing about a machine.
const std::set<std::string_view> without_effect{"no-pager", "system"};

// Everything a request can tell, as text, to see whether an option changed it.
std::string told_by(const StartRequest& r) {
    Settings settings = r.settings;
    std::string text;
    std::apply([&](const auto&... group) { (text.append(group.has_value() ? "1" : "0"), ...); }, groups_of(settings));
    for (const auto& limit : settings.limits)
        text.append(limit ? "1" : "0");
    for (const bool flag :
         {r.help, r.version, r.listing.has_value(), r.introspect, r.cleanup, r.dry_run, r.json, r.quiet, r.ask_password,
          r.settings_use == SettingsUse::yes, r.machine.has_value(), r.directory.has_value(), r.make_from.has_value(),
          r.stack.has_value(), r.bundle.has_value(), r.image.has_value()})
        text.append(flag ? "1" : "0");
    return text;
}

std::string word_for(const Option& row) {
    const bool has_name = row.name[0] != '\0';
    std::string word = has_name ? "--" + std::string{row.name} : "-" + std::string(1, row.letter);
    const auto value = good_values.find(row.name);
    if (row.argument == OptionArgument::required)
        word.append(has_name ? "=" : "").append(value == good_values.end() ? "value" : value->second);
    return word;
}

} // namespace

TEST(EveryOption, HasAnEffect) {
    for (const Option& row : option_table()) {
        const std::string_view name = row.name;
        if ((name.empty() && row.letter == 0) || name == "user" || name == "share-system")
            continue;
        const CommandLine line = parsed({word_for(row)});
        if (!without_effect.contains(name)) {
            EXPECT_NE(told_by(line.request), told_by(parsed({}).request)) << word_for(row);
        }
    }
}

TEST(EveryOption, HasAParser) {
    for (const Option& row : option_table())
        EXPECT_NE(row.parse, nullptr) << row.name;
}

TEST(EveryOption, IsNamedOnceInTheTable) {
    std::set<std::string> seen;
    for (const Option& row : option_table()) {
        if (row.name[0] != '\0') {
            EXPECT_TRUE(seen.insert(row.name).second) << row.name;
        }
        if (row.letter != 0) {
            EXPECT_TRUE(seen.insert(std::string(1, row.letter)).second) << row.letter;
        }
        if (!row.key.empty()) {
            EXPECT_TRUE(seen.insert(std::string{row.section} + "/" + std::string{row.key}).second) << row.key;
        }
    }
}

TEST(EveryOption, OfSystemdNspawn262IsInTheTable) {
    std::set<std::string_view> names;
    for (const Option& row : option_table())
        names.insert(row.name);
    for (const char* name : {"help",
                             "version",
                             "quiet",
                             "no-pager",
                             "settings",
                             "cleanup",
                             "no-ask-password",
                             "system",
                             "user",
                             "introspect-cli",
                             "directory",
                             "template",
                             "ephemeral",
                             "image",
                             "image-policy",
                             "mstack",
                             "oci-bundle",
                             "read-only",
                             "volatile",
                             "root-hash",
                             "root-hash-sig",
                             "verity-data",
                             "pivot-root",
                             "as-pid2",
                             "boot",
                             "chdir",
                             "setenv",
                             "uid",
                             "kill-signal",
                             "notify-ready",
                             "suppress-sync",
                             "machine",
                             "hostname",
                             "uuid",
                             "slice",
                             "property",
                             "register",
                             "keep-unit",
                             "private-users",
                             "private-users-ownership",
                             "private-users-chown",
                             "private-users-delegate",
                             "private-network",
                             "network-interface",
                             "network-macvlan",
                             "network-ipvlan",
                             "network-veth",
                             "network-veth-extra",
                             "network-bridge",
                             "network-zone",
                             "network-namespace-path",
                             "port",
                             "capability",
                             "drop-capability",
                             "ambient-capability",
                             "no-new-privileges",
                             "system-call-filter",
                             "restrict-address-families",
                             "selinux-context",
                             "selinux-apifs-context",
                             "rlimit",
                             "oom-score-adjust",
                             "cpu-affinity",
                             "personality",
                             "resolv-conf",
                             "timezone",
                             "link-journal",
                             "forward-journal",
                             "forward-journal-max-use",
                             "forward-journal-keep-free",
                             "forward-journal-max-file-size",
                             "forward-journal-max-files",
                             "bind",
                             "bind-ro",
                             "bind-user",
                             "bind-user-shell",
                             "bind-user-group",
                             "inaccessible",
                             "tmpfs",
                             "overlay",
                             "overlay-ro",
                             "console",
                             "pipe",
                             "background",
                             "set-credential",
                             "load-credential",
                             "share-system"})
        EXPECT_TRUE(names.contains(name)) << name;
}

TEST(EveryOption, CanBeWrittenInASettingsFileUnlessItIsAboutTheCallItself) {
    // What is asked of the program and says nothing about a machine, what names the file, and other spellings.
    const std::set<std::string_view> about_the_call{
        "help",     "version",    "quiet",           "dry-run", "json", "settings",   "cleanup",
        "no-pager", "key",        "no-ask-password", "system",  "user", "managed-by", "introspect-cli",
        "machine",  "oci-bundle", "share-system",    "rlimit",  "pipe"};
    for (const Option& row : option_table())
        if (row.name[0] != '\0') {
            EXPECT_EQ(row.key.empty(), about_the_call.contains(row.name)) << row.name;
        }
}

TEST(EveryKey, HasANameOfItsOwnWhateverItsSection) {
    std::set<std::string_view> seen;
    for (const Option& row : option_table())
        if (!row.key.empty()) {
            EXPECT_TRUE(seen.insert(row.key).second) << row.key;
            EXPECT_EQ(row_of_key(row.key), &row);
            EXPECT_EQ(row_of_key(std::string{row.section} + "." + std::string{row.key}), &row);
        }
    EXPECT_EQ(row_of_key("Files.Boot"), nullptr);
    EXPECT_EQ(row_of_key(""), nullptr);
}

TEST(AnyKey, CanBeGivenAsAnOption) {
    const CommandLine line = parsed({"--key=MemoryMax=1G", "--key=Exec.Hostname=web", "--key", "LimitNOFILE=7"});

    EXPECT_THAT(line.problems, SizeIs(0));
    EXPECT_THAT(*line.request.settings.group_limits, testing::ElementsAre("MemoryMax=1G"));
    EXPECT_EQ(line.request.settings.hostname, "web");
    EXPECT_EQ(line.request.settings.limits[RLIMIT_NOFILE]->soft, 7U);
}

TEST(AnyKey, ThatIsNoneIsRefusedWithItsName) {
    EXPECT_THAT(parsed({"--key=Hostnam=web"}).problems.at(0).sentence,
                HasSubstr("--key: 'Hostnam=web' begins with no key of settings files"));
    EXPECT_THAT(parsed({"--key=MemoryMax=much"}).problems.at(0).sentence,
                HasSubstr("--key: MemoryMax=: 'much' is no value of it"));
}

TEST(EveryOption, IsInTheHelpUnlessItIsHidden) {
    const std::string help = help_text(Manner::machinist);
    for (const Option& row : option_table())
        if (row.name[0] != '\0' && row.kind != OptionKind::hidden) {
            EXPECT_THAT(help, HasSubstr("--" + std::string{row.name}));
            EXPECT_FALSE(row.help.empty()) << row.name;
        }
}

TEST(TheHelp, SaysWhichNetworkAMachineIsIn) {
    EXPECT_THAT(help_text(Manner::machinist), HasSubstr("--private-network gives it one of its own"));
}

TEST(TheVersion, BeginsWithANumberWhereProgramsLookForIt) {
    EXPECT_EQ(version_text(Manner::nspawn).find("systemd 262 (262-machinist-"), 0U);
    EXPECT_EQ(version_text(Manner::machinist).find("machinist "), 0U);
}

} // namespace machinist
