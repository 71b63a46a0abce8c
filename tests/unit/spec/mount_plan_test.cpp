// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/mount_plan.hpp"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/mount.h>

namespace machinist {

namespace {

const MountStep* step_on(const MountPlan& plan, const Path& target) {
    const auto found = std::ranges::find(plan, target, &MountStep::target);
    return found == plan.end() ? nullptr : &*found;
}

// Throws where there is no such step.
const NewFilesystem& filesystem_on(const MountPlan& plan, const Path& target) {
    return std::get<NewFilesystem>(
        plan.at(static_cast<std::size_t>(std::ranges::find(plan, target, &MountStep::target) - plan.begin())).action);
}

std::ptrdiff_t position_of(const MountPlan& plan, const Path& target) {
    return std::ranges::find(plan, target, &MountStep::target) - plan.begin();
}

MachineSpec a_spec_with(ExtraMount mount) {
    MachineSpec spec;
    spec.extra_mounts.push_back(std::move(mount));
    return spec;
}

} // namespace

TEST(AMountPlan, MakesSysReadOnlyUnlessItIsAskedToBeWritable) {
    MachineSpec spec;
    EXPECT_TRUE(step_on(plan_mounts(spec), "/sys")->attributes & MOUNT_ATTR_RDONLY);

    spec.api_writable = ApiWritable::yes;

    EXPECT_FALSE(step_on(plan_mounts(spec), "/sys")->attributes & MOUNT_ATTR_RDONLY);
    EXPECT_EQ(step_on(plan_mounts(spec), "/proc/sys"), nullptr);
    EXPECT_EQ(step_on(plan_mounts(spec), "/proc/kcore"), nullptr);
}

TEST(AMountPlan, MountsProcBeforeMaskingPartsOfIt) {
    const MountPlan plan = plan_mounts(MachineSpec{});

    EXPECT_LT(position_of(plan, "/proc"), position_of(plan, "/proc/sys"));
    EXPECT_LT(position_of(plan, "/proc/sys"), position_of(plan, "/proc/kcore"));
    EXPECT_TRUE(std::holds_alternative<Mask>(step_on(plan, "/proc/kcore")->action));
}

TEST(AMountPlan, LetsTheMachineWriteTheSettingsOfItsOwnNetworkOnly) {
    MachineSpec spec;
    EXPECT_EQ(step_on(plan_mounts(spec), "/proc/sys/net"), nullptr);

    spec.network.is_private = true;

    const MountPlan plan = plan_mounts(spec);
    ASSERT_NE(step_on(plan, "/proc/sys/net"), nullptr);
    EXPECT_FALSE(step_on(plan, "/proc/sys/net")->attributes & MOUNT_ATTR_RDONLY);
    EXPECT_LT(position_of(plan, "/proc/sys"), position_of(plan, "/proc/sys/net"));
}

TEST(AMountPlan, MountsTheHostsGroupsWithTheHostsRightsAndLeavesTheMachineItsOwn) {
    MachineSpec spec;
    EXPECT_EQ(step_on(plan_mounts(spec), "/sys/fs/cgroup")->side, MountSide::payload);

    spec.cgroup_namespace = false;

    const MountPlan plan = plan_mounts(spec);
    EXPECT_EQ(step_on(plan, "/sys/fs/cgroup")->side, MountSide::host);
    const auto last = std::ranges::find_if(
        plan, [](const MountStep& step) { return std::holds_alternative<OwnGroupOnly>(step.action); });
    ASSERT_NE(last, plan.end());
    EXPECT_EQ(last->side, MountSide::payload);
    EXPECT_TRUE(last->attributes & MOUNT_ATTR_RDONLY);
}

TEST(AMountPlan, HasTheHostsSideBeforeThePayloadsSide) {
    MachineSpec spec = a_spec_with({.destination = "/proc/meminfo", .source = {.path = "/tmp/meminfo"}});
    spec.extra_mounts.push_back({.destination = "/srv", .source = {.path = "/srv"}});

    const MountPlan plan = plan_mounts(spec);

    EXPECT_TRUE(std::ranges::is_sorted(plan, {}, &MountStep::side));
    EXPECT_EQ(step_on(plan, "/srv")->side, MountSide::host);
}

TEST(AMountPlan, LeavesTheRootToWhoeverComposesIt) {
    MachineSpec spec = a_spec_with({.kind = ExtraMountKind::overlay, .destination = "/"});

    EXPECT_EQ(step_on(plan_mounts(spec), "/"), nullptr);
}

TEST(AMountPlan, PutsWhatIsBoundIntoProcBehindProc) {
    const MountPlan plan =
        plan_mounts(a_spec_with({.destination = "/proc/meminfo", .source = {.path = "/tmp/meminfo"}}));

    EXPECT_EQ(step_on(plan, "/proc/meminfo")->side, MountSide::payload);
    EXPECT_GT(position_of(plan, "/proc/meminfo"), position_of(plan, "/proc"));
}

TEST(AMountPlan, PutsWhatIsBoundIntoTmpBehindItsTmpfs) {
    MachineSpec spec = a_spec_with({.destination = "/tmp/.X11-unix", .source = {.path = "/tmp/.X11-unix"}});

    const MountPlan plan = plan_mounts(spec);
    EXPECT_GT(position_of(plan, "/tmp/.X11-unix"), position_of(plan, "/tmp"));

    spec.tmpfs_on_tmp = false;
    EXPECT_EQ(step_on(plan_mounts(spec), "/tmp/.X11-unix")->side, MountSide::host);
}

TEST(AMountPlan, GivesEveryTmpfsToTheRootOfTheMachine) {
    MachineSpec spec;
    spec.users = {.kind = UserNamespaceKind::fixed, .base = 65536};

    const MountPlan plan = plan_mounts(spec);

    for (const char* target : {"/run", "/dev/shm"}) {
        const auto& made = filesystem_on(plan, target);
        EXPECT_THAT(made.options, testing::Contains(testing::Pair("uid", "65536"))) << target;
        EXPECT_THAT(made.options, testing::Contains(testing::Pair("gid", "65536"))) << target;
    }
    const auto& terminals = filesystem_on(plan, "/dev/pts");
    EXPECT_THAT(terminals.options, testing::Contains(testing::Pair("gid", "65541")));
}

TEST(AMountPlan, HasWholeInstancesOfProcAndSysfsForMachinesInsideOnly) {
    MachineSpec spec;
    EXPECT_EQ(step_on(plan_mounts(spec), "/run/host/nesting/proc"), nullptr);
    EXPECT_EQ(step_on(plan_mounts(spec), "/run/host/nesting/sys"), nullptr);

    spec.nesting = true;
    const MountPlan plan = plan_mounts(spec);

    EXPECT_EQ(filesystem_on(plan, "/run/host/nesting/proc").type, "proc");
    EXPECT_EQ(step_on(plan, "/run/host/nesting/proc")->side, MountSide::payload);
    // What the kernel compares a new one with: not read-only, so that the new one need not be.
    for (const char* whole : {"/run/host/nesting/proc", "/run/host/nesting/sys"})
        EXPECT_EQ(step_on(plan, whole)->attributes, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC) << whole;
    EXPECT_TRUE(std::ranges::none_of(plan, [](const MountStep& step) {
        return step.target.native().starts_with("/run/host/nesting/proc/") ||
               step.target.native().starts_with("/run/host/nesting/sys/");
    }));
    EXPECT_EQ(step_on(plan, "/run")->attributes & (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV), 0U);
    // The ones that everybody in the machine sees stay as they are.
    EXPECT_TRUE(std::holds_alternative<Mask>(step_on(plan, "/proc/kcore")->action));
    EXPECT_TRUE(step_on(plan, "/sys")->attributes & MOUNT_ATTR_RDONLY);
}

TEST(AMountPlan, HasNoDeviceFilesystemButDevAndItsTerminals) {
    for (const MountStep& step : plan_mounts(MachineSpec{}))
        if (step.side == MountSide::host && step.target != "/dev" && step.target != "/dev/pts") {
            EXPECT_TRUE(step.attributes & MOUNT_ATTR_NODEV) << describe(step);
        }
}

TEST(AMountPlan, HasCredentialsOnlyWhereThereAreSome) {
    MachineSpec spec;
    EXPECT_EQ(step_on(plan_mounts(spec), "/run/host/credentials"), nullptr);

    spec.credentials.push_back({"a", "b"});

    EXPECT_TRUE(step_on(plan_mounts(spec), "/run/host/credentials")->attributes & MOUNT_ATTR_RDONLY);
}

TEST(AMountPlan, HasADirectoryForAForwardedJournalReadOnlyBehindTheHostsInterface) {
    MachineSpec spec;
    EXPECT_EQ(step_on(plan_mounts(spec), "/run/host/journal"), nullptr);

    spec.integration.forwarded_journal = JournalForwarding{.output = "/var/log/web.journal"};

    const MountPlan plan = plan_mounts(spec);

    const MountStep* journal = step_on(plan, "/run/host/journal");
    ASSERT_NE(journal, nullptr);
    EXPECT_TRUE(journal->attributes & MOUNT_ATTR_RDONLY);
    EXPECT_LT(step_on(plan, "/run/host"), journal);
}

TEST(AMountPlan, LeavesOutTheTmpfsOnTmpWhereItIsNotWanted) {
    MachineSpec spec;
    spec.tmpfs_on_tmp = false;

    EXPECT_EQ(step_on(plan_mounts(spec), "/tmp"), nullptr);
}

TEST(AMountPlan, SaysForEachStepWhyItIsThere) {
    for (const MountStep& step : plan_mounts(MachineSpec{}))
        EXPECT_THAT(describe(step), testing::MatchesRegex(".+: .+\\(.+\\)")) << step.target;
}

} // namespace machinist
