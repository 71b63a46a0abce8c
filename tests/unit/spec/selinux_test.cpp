// SPDX-License-Identifier: LGPL-2.1-or-later
#include "requests.hpp"

#include "spec/mount_plan.hpp"
#include "spec/option_table.hpp"
#include "spec/spec_json.hpp"
#include "spec/spec_text.hpp"

#include <gmock/gmock.h>
#include <map>

namespace machinist {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

constexpr const char* process_label = "system_u:system_r:container_t:s0:c1,c2";
constexpr const char* file_label = "system_u:object_r:container_file_t:s0:c1,c2";

Decision with_selinux(std::vector<std::string> words) {
    Decision decision = nspawn(std::move(words));
    decision.host.has_selinux = true;
    return decision;
}

// Where a filesystem of these types is made, and what its options are.
std::map<std::string, SuperblockOptions> made_in_memory(const MountPlan& plan) {
    std::map<std::string, SuperblockOptions> made;
    for (const MountStep& step : plan)
        if (const auto* filesystem = std::get_if<NewFilesystem>(&step.action))
            if (filesystem->type == "tmpfs" || filesystem->type == "devpts")
                made[step.target.string()] = filesystem->options;
    return made;
}

} // namespace

TEST(SelinuxLabels, AreNoneUnlessTheyAreAskedFor) {
    const MachineSpec spec = with_selinux({"ls"}).spec();

    EXPECT_EQ(spec.selinux.payload, "");
    EXPECT_EQ(spec.selinux.api_filesystems, "");
    for (const auto& [target, options] : made_in_memory(plan_mounts(spec)))
        EXPECT_THAT(options, Each(testing::Pair(testing::Ne("context"), testing::_))) << target;
}

TEST(SelinuxLabels, AreTakenByBothLetters) {
    const MachineSpec spec = with_selinux({"-Z", process_label, "-L", file_label, "ls"}).spec();

    EXPECT_EQ(spec.selinux.payload, process_label);
    EXPECT_EQ(spec.selinux.api_filesystems, file_label);
    EXPECT_THAT(text_of(spec), HasSubstr(process_label));
    EXPECT_THAT(text_of(spec), HasSubstr(file_label));
}

TEST(SelinuxLabels, AreStillThereAfterAReboot) {
    const MachineSpec spec = with_selinux({"-Z", process_label, "-L", file_label, "ls"}).spec();
    const MachineSpec read = spec_from_json(to_json(spec));

    EXPECT_EQ(read.selinux.payload, process_label);
    EXPECT_EQ(read.selinux.api_filesystems, file_label);
}

TEST(SelinuxLabels, OfApiFilesystemsAreAnOptionOfEachThatIsMadeInMemory) {
    const auto made = made_in_memory(plan_mounts(with_selinux({"-L", file_label, "ls"}).spec()));

    for (const char* target : {"/tmp", "/dev/shm", "/dev/pts", "/run"})
        EXPECT_TRUE(made.contains(target)) << target;
    for (const auto& [target, options] : made)
        EXPECT_THAT(options, Contains(testing::Pair("context", file_label))) << target;
}

TEST(SelinuxLabels, AreSeenInTheDryRunsMounts) {
    for (const MountStep& step : plan_mounts(with_selinux({"-L", file_label, "ls"}).spec()))
        if (step.target == "/run") {
            EXPECT_THAT(describe(step), HasSubstr("context=" + std::string{file_label}));
        }
}

TEST(SelinuxLabels, AreRefusedWhereTheKernelRunsWithoutIt) {
    EXPECT_THAT(nspawn({"-Z", process_label, "ls"}).sentences(),
                ElementsAre(HasSubstr("--selinux-context: this host's kernel runs without SELinux")));
    EXPECT_THAT(nspawn({"-L", file_label, "ls"}).sentences(),
                ElementsAre(HasSubstr("--selinux-apifs-context: this host's kernel runs without SELinux")));
}

TEST(SelinuxLabels, AreKeysOfTrustedSettingsFilesOnly) {
    const std::string text = "[Exec]\nSELinuxContext=" + std::string{process_label} +
                             "\nSELinuxAPIFSContext=" + std::string{file_label} + "\n";
    Decision decision = with_selinux({"ls"});
    decision.settings_file = text;
    EXPECT_EQ(decision.spec().selinux.payload, process_label);
    EXPECT_EQ(decision.spec().selinux.api_filesystems, file_label);

    const Settings settings = parse_settings_file(text, "web.nspawn", false).settings;
    EXPECT_FALSE(settings.selinux_context);
    EXPECT_FALSE(settings.selinux_api_context);
}

TEST(SelinuxLabels, ThatAreHostileAreRefused) {
    for (const char* label : {"", "u", "u:r", "u:r:", ":r:t", "u::t", "u:r:t:", "u:r:t\nsize=1", "u:r:t\"", "u:r:'t'",
                              "u:r:\\t", "u:r: t", "u:r:t\t", "u:r:t\x7f", "u:r:\xc3\xa4"})
        for (const char* option : {"--selinux-context=", "--selinux-apifs-context="})
            EXPECT_THAT(with_selinux({std::string{option} + label, "ls"}).sentences(),
                        ElementsAre(HasSubstr("is no SELinux label")))
                << option << label;
}

TEST(SelinuxLabels, WithANulByteInASettingsFileAreNotTakenInPart) {
    const std::string text = "[Exec]\nSELinuxContext=u:r:t" + std::string(1, '\0') + "\n";
    const SettingsFile file = parse_settings_file(text, "web.nspawn", true);

    EXPECT_FALSE(file.settings.selinux_context);
    EXPECT_THAT(file.warnings, testing::SizeIs(1));
}

TEST(SelinuxLabels, AreNoLongerThanTheKernelTakes) {
    const auto of_length = [](std::size_t length) { return "u:r:" + std::string(length - 4, 't'); };
    EXPECT_EQ(with_selinux({"-Z", of_length(4095), "-L", of_length(255), "ls"}).spec().selinux.payload.size(), 4095U);
    EXPECT_THAT(with_selinux({"-Z", of_length(4096), "ls"}).sentences(),
                ElementsAre(HasSubstr("is longer than the kernel takes: 4095 bytes")));
    EXPECT_THAT(with_selinux({"-L", of_length(256), "ls"}).sentences(),
                ElementsAre(HasSubstr("is longer than the kernel takes: 255 bytes")));
}

TEST(SelinuxLabels, AreNotForUsersWithoutRights) {
    for (const Option& row : option_table())
        if (std::string_view{row.name}.starts_with("selinux-")) {
            EXPECT_EQ(row.trust, Trust::privileged) << row.name;
        }
}

} // namespace machinist
