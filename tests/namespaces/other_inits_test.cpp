// SPDX-License-Identifier: LGPL-2.1-or-later
// Systems whose init is not systemd and tells nothing: real trees of those that Debian has. Each boots, becomes ready,
// answers, reboots and ends, all in the time that a person waits for.
#include "namespaces/debian.hpp"
#include "namespaces/host_audit.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace machinist::test {

using testing::HasSubstr;
using testing::IsEmpty;

namespace {

struct OtherInit {
    const char* tree;
    const char* process_1; // as the kernel calls it
};

void PrintTo(const OtherInit& init, std::ostream* stream) {
    *stream << init.tree;
}

class AnotherInit : public testing::TestWithParam<OtherInit> {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root starts machines";
        if (!Debian::has_tree(GetParam().tree))
            GTEST_SKIP() << "there is no tree '" << GetParam().tree << "'; images/build makes it";
    }
    static Outcome machinist(std::vector<std::string> words) {
        return run(MACHINIST_PROGRAM, words);
    }
};

} // namespace

INSTANTIATE_TEST_SUITE_P(Booted, AnotherInit,
                         testing::Values(OtherInit{"sysvinit", "init"}, OtherInit{"openrc", "init"},
                                         OtherInit{"runit", "runit"}, OtherInit{"s6", "s6-svscan"},
                                         OtherInit{"busybox", "init"}),
                         [](const testing::TestParamInfo<OtherInit>& init) { return std::string{init.param.tree}; });

TEST_P(AnotherInit, BecomesReadyAnswersRebootsAndPowersOff) {
    Debian machine{GetParam().tree};
    const pid_t first = machine.leader();

    EXPECT_EQ(machine.sh("cat /proc/1/comm").output, std::string{GetParam().process_1} + "\n");
    EXPECT_EQ(machine.sh("exit 7").status, 7);

    const Outcome reboot = machinist({"reboot", machine.name(), "--wait", "--timeout=40"});
    EXPECT_EQ(reboot.status, 0) << reboot.errors << machine.console();
    EXPECT_TRUE(machine.becomes_ready(40s)) << machine.console();
    EXPECT_NE(machine.leader(), first);

    const Outcome end = machinist({"poweroff", machine.name(), "--wait", "--timeout=40"});
    EXPECT_EQ(end.status, 0) << end.errors << machine.console();
    EXPECT_EQ(machine.program().end_within(10s), 0) << machine.console();
    EXPECT_THAT(remnants_of(machine.name(), "/nowhere"), IsEmpty());
}

// So systemctl stop ends it, too.
TEST_P(AnotherInit, IsShutDownInOrderWhenItsSupervisorIsToldToStop) {
    Debian machine{GetParam().tree};

    machine.program().signal(SIGTERM);

    EXPECT_EQ(machine.program().end_within(40s), 0) << machine.console();
    EXPECT_THAT(remnants_of(machine.name(), "/nowhere"), IsEmpty());
}

TEST_P(AnotherInit, IsNotWaitedForToSayThatItIsReady) {
    const Outcome plan = machinist({"run", "--dry-run", "--boot", "--ephemeral",
                                    "--directory=" + Debian::tree_of(GetParam().tree).string(), "--notify-ready=yes"});

    EXPECT_EQ(plan.status, 0) << plan.errors;
    EXPECT_THAT(plan.errors, HasSubstr(std::string{"the image's init ("} + GetParam().tree + ") never says so"));
}

} // namespace machinist::test
