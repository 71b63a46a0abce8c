// SPDX-License-Identifier: LGPL-2.1-or-later
// What needs the controllers of cgroup v2, in a virtual machine with a kernel of the distribution.
#include "vm/virtual_machine.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::HasSubstr;

class ALimit : public testing::Test {
protected:
    void SetUp() override {
        if (const std::string reason = why_no_virtual_machine(); !reason.empty())
            GTEST_SKIP() << reason;
        const Outcome started =
            sh("systemctl start machinist@web || { systemctl status --no-pager machinist@web; false; }");
        ASSERT_EQ(started.status, 0) << started.output;
    }
    static Outcome sh(const std::string& command) {
        return virtual_machine().sh(command);
    }
    static std::string output_of(const std::string& command) {
        Outcome outcome = sh(command);
        EXPECT_EQ(outcome.status, 0) << command << "\n" << outcome.output;
        while (outcome.output.ends_with('\n'))
            outcome.output.pop_back();
        return outcome.output;
    }
    static constexpr const char* group = "/sys/fs/cgroup/machine.slice/machinist@web.service";
};

TEST_F(ALimit, OfMemoryOnTheUnitKillsInsideTheMachineOnly) {
    ASSERT_EQ(sh("systemctl set-property --runtime machinist@web MemoryMax=200M MemorySwapMax=0").status, 0);

    EXPECT_NE(sh("machinist exec web -- /bin/sh -c 'head -c 400M /dev/zero | tail -c 400M >/dev/null && test ! -e /x'; "
                 "grep -q 'oom_kill 0' " +
                 std::string{group} + "/memory.events")
                  .status,
              0);

    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");
    EXPECT_EQ(output_of("machinist exec web -- /bin/echo alive"), "alive");
    EXPECT_EQ(sh("systemctl set-property --runtime machinist@web MemoryMax=infinity").status, 0);
}

TEST_F(ALimit, OfTasksOnTheUnitStopsForksInTheMachineOnly) {
    ASSERT_EQ(sh("systemctl set-property --runtime machinist@web TasksMax=80").status, 0);

    const std::string forks = "perl -e 'for (1 .. 200) { my $child = fork; die \"no more: $!\" unless defined $child; "
                              "unless ($child) { sleep 3; exit } }'";
    EXPECT_THAT(sh("machinist exec web -- /usr/bin/" + forks).output,
                HasSubstr("no more: Resource temporarily unavailable"));

    EXPECT_EQ(sh(forks).status, 0);
    EXPECT_EQ(sh("systemctl set-property --runtime machinist@web TasksMax=16384").status, 0);
}

TEST_F(ALimit, OfProcessorsIsHandedToTheUnitAndControllersToTheMachine) {
    ASSERT_EQ(sh("systemctl set-property --runtime machinist@web CPUWeight=50 CPUQuota=30%").status, 0);

    EXPECT_EQ(output_of("cat " + std::string{group} + "/cpu.weight"), "50");
    EXPECT_EQ(output_of("cut -d ' ' -f 1 " + std::string{group} + "/cpu.max"), "30000");
    EXPECT_THAT(output_of("machinist exec web -- /bin/cat /sys/fs/cgroup/cgroup.controllers"),
                HasSubstr("memory pids"));
    EXPECT_EQ(sh("systemctl set-property --runtime machinist@web CPUQuota=").status, 0);
}

TEST_F(ALimit, OfTimeFreezesTheWholeMachine) {
    ASSERT_EQ(sh("systemctl freeze machinist@web").status, 0);
    EXPECT_EQ(output_of("grep frozen " + std::string{group} + "/payload/cgroup.events"), "frozen 1");

    EXPECT_EQ(sh("systemctl thaw machinist@web").status, 0);

    EXPECT_EQ(output_of("machinist exec web -- /bin/echo alive"), "alive");
}

TEST_F(ALimit, OfDevicesOpensWhatIsListedOnly) {
    const auto reading_the_disk = [](const std::string& options) {
        return sh("SYSTEMD_NSPAWN_LOCK=0 machinist run -q -x --private-users=no -D /var/lib/machines/web "
                  "--bind=/dev:/dev/host --pipe " +
                  options + " /bin/sh -c 'head -c 1 /dev/host/vda | wc -c'");
    };

    EXPECT_THAT(reading_the_disk("").output, HasSubstr("Operation not permitted"));
    EXPECT_EQ(reading_the_disk("--property='DeviceAllow=/dev/vda r'").output, "1\n");
}

} // namespace machinist::test
