// SPDX-License-Identifier: LGPL-2.1-or-later
// What holds the machines can be started again at any time: nothing is lost, doubled or left.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::HasSubstr;

class ARestart : public WithOurProvider {
protected:
    void SetUp() override {
        WithOurProvider::SetUp();
        if (IsSkipped() || HasFatalFailure())
            return;
        ASSERT_TRUE(holds("systemctl start machinist@web && systemd-run --quiet --collect --unit=runs-tmp "
                          "--service-type=notify --setenv=SYSTEMD_NSPAWN_LOCK=0 machinist run -x -b --notify-ready=yes "
                          "-M tmp -D /var/lib/machines/web "
                          "--link-journal=no"));
        before_ = list();
    }
    static std::string list() {
        return output_of("machinectl list --no-legend | sort; for m in tmp web; do "
                         "machinectl show -p Leader -p Id -p Unit -p Timestamp $m; done");
    }
    // Of both names, and nothing else.
    static void both_power_off() {
        EXPECT_EQ(sh("systemctl stop machinist@web machine-tmp.scope").status, 0);
        EXPECT_EQ(output_of("machinectl list --no-legend"), "");
        EXPECT_EQ(output_of("ls /run/systemd/machines"), "");
    }

    std::string before_;
};

TEST_F(ARestart, OfTheServiceLosesNothing) {
    EXPECT_THAT(before_, HasSubstr("Unit=machine-tmp.scope"));

    ASSERT_TRUE(holds("systemctl restart machinistd"));

    EXPECT_EQ(list(), before_);
    both_power_off();
}

TEST_F(ARestart, AfterTheServiceWasKilledLosesNothing) {
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(holds("systemctl kill --signal=KILL machinistd; systemctl reset-failed machinistd"));

        EXPECT_EQ(list(), before_);
    }
    both_power_off();
}

TEST_F(ARestart, OfSystemdLosesNothing) {
    ASSERT_TRUE(holds("systemctl daemon-reexec"));
    EXPECT_TRUE(eventually([] { return host().enter("systemctl is-active dbus").status == 0; }, 20s));

    EXPECT_EQ(list(), before_);
    both_power_off();
}

TEST_F(ARestart, OfTheBusLosesNothing) {
    const auto service = [] { return sh("systemctl show -P MainPID machinistd").output; };
    const std::string first = service();

    ASSERT_TRUE(holds("systemctl kill --signal=KILL dbus.service"));

    EXPECT_TRUE(eventually([] { return sh("busctl status org.freedesktop.machine1").status == 0; }, 60s));
    EXPECT_TRUE(eventually([&] { return service() != first && sh("machinectl list").status == 0; }, 60s));
    EXPECT_EQ(list(), before_);
    both_power_off();
}

TEST_F(ARestart, ByAnUpgradeLosesNoMachineAndNoJob) {
    const std::string job = output_of("busctl call -- io.machinist /org/freedesktop/machine1/machine/web "
                                      "io.machinist.Machine1 Exec 'asa{sv}ah' 3 /bin/sh -c 'until test -e /run/go; do "
                                      "sleep 0.1; done; exit 7' 0 0 | cut -d'\"' -f2");
    ASSERT_THAT(job, HasSubstr("/org/freedesktop/machine1/job/"));
    const auto property = [&](const std::string& name) {
        return sh("busctl get-property io.machinist " + job + " io.machinist.Job1 " + name).output;
    };
    const std::string first = output_of("systemctl show -P MainPID machinistd");

    // As a package manager does it.
    ASSERT_TRUE(holds("cd /usr/libexec/machinist && cp machinistd machinistd.new && mv machinistd.new machinistd && "
                      "systemctl try-restart machinistd"));

    EXPECT_NE(output_of("systemctl show -P MainPID machinistd"), first);
    EXPECT_EQ(list(), before_);
    EXPECT_EQ(property("State"), "s \"running\"\n");
    ASSERT_TRUE(holds("machinist exec web -- touch /run/go"));
    EXPECT_TRUE(eventually([&] { return property("State") != "s \"running\"\n"; }, 30s));
    EXPECT_EQ(property("ExitStatus"), "i 7\n");
    both_power_off();
}

TEST_F(ARestart, OfAMachineWhileTheServiceIsDownIsSeenByTheNext) {
    ASSERT_TRUE(holds("systemctl mask --runtime --quiet machinistd && systemctl stop machinistd; "
                      "systemctl stop machine-tmp.scope; systemctl unmask --runtime --quiet machinistd"));

    EXPECT_TRUE(eventually([] { return sh("machinectl list --no-legend | wc -l").output == "1\n"; }, 10s));
    EXPECT_TRUE(holds("machinectl show web"));
}

} // namespace machinist::test
