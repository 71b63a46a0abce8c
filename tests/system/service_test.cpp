// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist@NAME.service, by systemctl.
#include "base/scope_exit.hpp"
#include "system/host.hpp"

#include <cstdlib>
#include <gmock/gmock.h>

namespace machinist::test {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class TheService : public OnAHost {};

TEST_F(TheService, IsStartedWhenItsMachineIsReady) {
    EXPECT_EQ(output_of("systemctl start machinist@web && systemctl is-active machinist@web"), "active");

    EXPECT_EQ(output_of("machinist exec web -- /usr/bin/systemctl is-active multi-user.target"), "active");
    EXPECT_THAT(output_of("systemctl show -P StatusText machinist@web"), HasSubstr("Container running"));
}

TEST_F(TheService, HoldsTheSupervisorAndThePayloadInGroupsOfItsOwn) {
    ASSERT_EQ(sh("systemctl start machinist@web").status, 0);

    const std::string group = "/sys/fs/cgroup/machine.slice/machinist@web.service";
    EXPECT_EQ(output_of("cat " + group + "/cgroup.procs"), "");
    EXPECT_EQ(output_of("cat " + group + "/supervisor/cgroup.procs"),
              output_of("systemctl show -P MainPID machinist@web"));
    EXPECT_TRUE(holds("grep -qx $(machinist show -P Leader web) " + group + "/payload/init.scope/cgroup.procs"));
}

TEST_F(TheService, PowersItsMachineOffInOrderWhenItIsStopped) {
    ASSERT_EQ(sh("systemctl start machinist@web").status, 0);

    EXPECT_EQ(output_of("systemctl stop machinist@web; systemctl show -P Result machinist@web"), "success");

    EXPECT_THAT(output_of("journalctl -b -u machinist@web -o cat -n 30"),
                ContainsRegex("Reached target.*(S|s)hutdown"));
    EXPECT_EQ(output_of("machinist list --no-legend"), "");
}

TEST_F(TheService, PowersItsMachineOffWithTheTargetOfAllMachines) {
    ASSERT_EQ(sh("systemctl start machinist@web").status, 0);

    EXPECT_EQ(sh("systemctl stop machines.target").status, 0);

    EXPECT_TRUE(eventually([] { return output_of("systemctl show -P ActiveState machinist@web") == "inactive"; }, 20s));
    EXPECT_EQ(output_of("systemctl show -P Result machinist@web"), "success");
    EXPECT_EQ(sh("systemctl start machines.target").status, 0);
}

TEST_F(TheService, RunsADiskImageOfThePoolByEitherName) {
    const ScopeExit removed{[] {
        (void)sh("systemctl stop machinist@disk systemd-nspawn@disk; "
                 "rm -rf /etc/systemd/system/systemd-nspawn@.service /var/lib/machines/disk.raw; "
                 "systemctl daemon-reload");
    }};
    ASSERT_EQ(sh("mkfs.ext4 -q -d /var/lib/machines/web /var/lib/machines/disk.raw 1G", 120s).status, 0);
    ASSERT_EQ(sh("ln -s /usr/libexec/machinist/compat/system/systemd-nspawn@.service /etc/systemd/system/ && "
                 "systemctl daemon-reload")
                  .status,
              0);
    EXPECT_EQ(output_of("machinist show-image -P Type disk"), "raw");

    for (const std::string unit : {"machinist@disk", "systemd-nspawn@disk"}) {
        SCOPED_TRACE(unit);
        EXPECT_EQ(output_of("systemctl start " + unit + " && systemctl is-active " + unit, 120s), "active")
            << sh("journalctl -b -u " + unit + " -o cat -n 30").output;
        EXPECT_EQ(output_of("machinist show -P Unit disk"), unit + ".service");
        // The unit of systemd's name does not wait for it.
        EXPECT_TRUE(eventually(
            [] {
                return sh("machinist exec disk -- /usr/bin/systemctl is-active multi-user.target").output == "active\n";
            },
            60s));
        EXPECT_TRUE(holds("machinist exec disk -- /usr/bin/touch /var/lib/of-" + unit));
        // It is in use.
        EXPECT_NE(sh("machinist remove disk").status, 0);

        EXPECT_EQ(output_of("systemctl stop " + unit + "; systemctl show -P Result " + unit, 120s), "success");
        EXPECT_TRUE(eventually(
            [] {
                return !holds("losetup --noheadings --associated /var/lib/machines/disk.raw | "
                              "grep .");
            },
            20s));
    }

    EXPECT_EQ(output_of("machinist run -q --pipe --read-only --image=/var/lib/machines/disk.raw ls /var/lib | "
                        "grep -c '^of-.*@disk$'"),
              "2");
}

TEST_F(TheService, StartsWithTheHostOnceItIsEnabled) {
    EXPECT_EQ(sh("systemctl enable --now machinist@web").status, 0);

    EXPECT_EQ(output_of("readlink -f /etc/systemd/system/machines.target.wants/machinist@web.service"),
              output_of("systemctl show -P FragmentPath machinist@web | xargs readlink -f"));
    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");
}

TEST_F(TheService, StartsAgainWhenItsMachineReboots) {
    ASSERT_EQ(sh("systemctl start machinist@web").status, 0);
    const std::string leader = output_of("machinist show -P Leader web");

    EXPECT_TRUE(holds("machinist exec web -- /usr/bin/systemctl reboot"));

    EXPECT_TRUE(eventually([] { return output_of("systemctl show -P NRestarts machinist@web") == "1"; }, 20s));
    EXPECT_TRUE(eventually([] { return holds("systemctl is-active machinist@web"); }, 20s));
    EXPECT_NE(output_of("machinist show -P Leader web"), leader);
}

TEST_F(TheService, NeverFindsItsNameTakenInALoopOfRestarts) {
    const char* cycles = std::getenv("MACHINIST_TEST_RESTARTS");
    const int count = cycles == nullptr ? 50 : std::atoi(cycles);
    EXPECT_EQ(sh("for i in $(seq " + std::to_string(count) + "); do systemctl restart machinist@web || exit; done",
                 300s * (count / 50 + 1))
                  .status,
              0)
        << sh("journalctl -b -u machinist@web -o cat -n 30").output;

    EXPECT_EQ(output_of("machinist list --no-legend | wc -l"), "1");
}

TEST_F(TheService, IsNotStoppedByTheEndOfAProgramInItsMachine) {
    ASSERT_EQ(sh("systemctl start machinist@web").status, 0);

    (void)sh("machinist exec web -- /bin/sh -c 'kill -SEGV $$'");

    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");
}

} // namespace machinist::test
