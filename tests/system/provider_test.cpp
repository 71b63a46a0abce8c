// SPDX-License-Identifier: LGPL-2.1-or-later
// machinistd as the only provider of machine1, on the bus and over Varlink, with systemd-machined's units stopped.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::HasSubstr;

class TheOnlyProvider : public OnAHost {
protected:
    void SetUp() override {
        OnAHost::SetUp();
        if (IsSkipped())
            return;
        (void)sh("systemctl stop systemd-machined.socket systemd-machined.service");
        ASSERT_TRUE(holds("systemctl enable --quiet machinistd.service machinistd.socket && "
                          "systemctl stop machinistd.service && systemctl start machinistd.socket machinistd.service"));
    }
    void TearDown() override {
        OnAHost::TearDown();
        if (!Host::why_not().empty())
            return;
        (void)sh("systemctl disable --quiet machinistd.service machinistd.socket; "
                 "systemctl stop machinistd.socket machinistd.service; "
                 "! systemctl cat systemd-machined.socket || systemctl start systemd-machined.socket");
    }
    static std::string leader() {
        return output_of("machinectl show --property=Leader --value web");
    }
    static bool is_gone() {
        return eventually([] { return output_of("machinectl list --no-legend") == ""; }, 30s);
    }
};

TEST_F(TheOnlyProvider, AnswersMachinectlsVerbsThatEndMachines) {
    ASSERT_TRUE(holds("systemctl start machinist@web"));
    EXPECT_THAT(output_of("machinectl list --no-legend"), HasSubstr("web"));
    const std::string first = leader();

    EXPECT_EQ(sh("machinectl reboot web").status, 0);
    const auto is_another = [&] {
        const Outcome now = sh("machinectl show --property=Leader --value web");
        return now.status == 0 && now.output != first + "\n" && holds("systemctl is-active --quiet machinist@web");
    };
    EXPECT_TRUE(eventually(is_another, 60s));
    EXPECT_EQ(sh("machinectl poweroff web").status, 0);
    EXPECT_TRUE(is_gone());
    ASSERT_TRUE(holds("systemctl start machinist@web"));
    EXPECT_EQ(sh("machinectl terminate web").status, 0);
    EXPECT_TRUE(is_gone());
}

TEST_F(TheOnlyProvider, SpeaksVarlink) {
    if (!holds("command -v varlinkctl"))
        GTEST_SKIP() << "this release has no varlinkctl";
    ASSERT_TRUE(holds("systemctl start machinist@web"));
    const std::string call = "varlinkctl call /run/systemd/machine/io.systemd.Machine io.systemd.Machine.";

    EXPECT_THAT(output_of("varlinkctl info /run/systemd/machine/io.systemd.Machine"), HasSubstr("machinistd"));
    EXPECT_EQ(sh("varlinkctl introspect /run/systemd/machine/io.systemd.Machine io.systemd.Machine").status, 0);
    EXPECT_THAT(output_of(call + "List '{\"name\":\"web\"}'"), HasSubstr(leader()));
    EXPECT_EQ(sh(call + "Terminate '{\"name\":\"web\"}'").status, 0);
    EXPECT_TRUE(is_gone());
}

TEST_F(TheOnlyProvider, StartsAnImageWithOptionsAsAJob) {
    const std::string job = output_of(
        "busctl call io.machinist /org/freedesktop/machine1 io.machinist.Manager1 StartMachine 'sa{sv}' web 2 "
        "boot b true ephemeral b true | cut -d'\"' -f2");
    ASSERT_THAT(job, HasSubstr("/org/freedesktop/machine1/job/"));
    const auto state = [&] {
        return output_of("busctl get-property io.machinist " + job + " io.machinist.Job1 State");
    };

    EXPECT_TRUE(eventually([&] { return state() != "s \"running\""; }, 60s));
    EXPECT_EQ(state(), "s \"done\"") << sh("journalctl -b -o cat -n 30").output;

    EXPECT_EQ(output_of("machinectl show --property=State --value web"), "running");
    EXPECT_EQ(output_of("machinectl show --property=Unit --value web"), "machinist-run@web.service");
    EXPECT_EQ(sh("machinectl terminate web").status, 0);
    EXPECT_TRUE(is_gone());
}

} // namespace machinist::test
