// SPDX-License-Identifier: LGPL-2.1-or-later
// What the units as they are installed let the service do, as the kernel has it.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::HasSubstr;

class TheUnits : public WithOurProvider {};

TEST_F(TheUnits, AreUnderstoodBySystemd) {
    // Settings that later releases have are left out by earlier ones.
    EXPECT_EQ(output_of("cd $(dirname $(systemctl show -P FragmentPath machinistd)) && "
                        "systemd-analyze verify --man=no ./machinistd.service ./machinistd.socket "
                        "./machinist@web.service ./machinist-gateway.service 2>&1 | "
                        "grep machinist | { grep -v -e DelegateSubgroup -e CoredumpReceive || true; }"),
              "");
}

TEST_F(TheUnits, LeaveTheServiceNoRightsOverTheKernel) {
    // Loading modules, raw input and output, the clock, alarms and suspending, the kernel's log, policies of access.
    constexpr int refused[] = {16, 17, 25, 35, 36, 34, 33, 32};
    const std::uint64_t held = std::stoull(
        output_of("sed -n 's/^CapBnd:\t//p' /proc/$(systemctl show -P MainPID machinistd)/status"), nullptr, 16);

    for (const int capability : refused)
        EXPECT_EQ(held >> capability & 1, 0U) << capability;
    EXPECT_EQ(held >> 21 & 1, 1U) << "namespaces of machines are entered";
}

TEST_F(TheUnits, LeaveTheServiceNoDevicesOfTheHost) {
    const std::string in_its_group =
        "echo 0 >/sys/fs/cgroup$(systemctl show -P ControlGroup machinistd)/cgroup.procs && ";

    EXPECT_EQ(sh(in_its_group + "true </dev/null").status, 0);
    EXPECT_THAT(sh(in_its_group + "true </dev/loop-control").errors, HasSubstr("Operation not permitted"));
    EXPECT_EQ(sh("true </dev/loop-control").status, 0) << "it is the group that refuses";
}

TEST_F(TheUnits, LetTheServiceHoldAsManyMachinesAsAreWanted) {
    EXPECT_EQ(output_of("systemctl show -P LimitNOFILE machinistd"), "524288");
    EXPECT_EQ(output_of("awk '/^Max open files/ { print $4 }' /proc/$(systemctl show -P MainPID machinistd)/limits"),
              output_of("awk '/^Max open files/ { print $5 }' /proc/$(systemctl show -P MainPID machinistd)/limits"));
}

} // namespace machinist::test
