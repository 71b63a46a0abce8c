// SPDX-License-Identifier: LGPL-2.1-or-later
// Container Interface E and F: how a machine is told to end, and how it ends.
#include "namespaces/container_interface.hpp"

#include "spec/run_directory.hpp"

#include <csignal>
#include <unistd.h>

namespace machinist::test {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Ne;
using testing::Not;

class TheEnd : public TheContainerInterface {
protected:
    // What is written before the new start is for the old one, and lost with it.
    void reboot() {
        const pid_t before = machine().leader();
        machine().tell("reboot restart");
        ASSERT_TRUE(eventually([&] { return machine().leader() != before; }, 10s)) << machine().program().errors();
    }
};

EVERY_WAY(TheEnd);

TEST_P(TheEnd, E1_OfABootedMachineIsAskedForBySignal) {
    boot({"--boot"}, {});
    ASSERT_EQ(ask("catch RTMIN+3"), "ok");
    ASSERT_EQ(ask("notify X_SYSTEMD_SIGNALS_LEVEL=2"), "ok");

    machine().program().signal(SIGTERM);

    EXPECT_EQ(ask("came RTMIN+3 3000"), "1");
    EXPECT_TRUE(machine().program().runs());
}

TEST_P(TheEnd, E1_IsAskedForByTheSignalThatWasChosen) {
    boot({"--kill-signal=SIGUSR2"});
    ASSERT_EQ(ask("catch USR2"), "ok");

    machine().program().signal(SIGINT);

    EXPECT_EQ(ask("came USR2 3000"), "1");
    EXPECT_TRUE(machine().program().runs());
}

TEST_P(TheEnd, E1_IsAbruptWithoutAKillSignal) {
    boot();
    ASSERT_EQ(ask("ignore TERM INT"), "ok");

    machine().program().signal(SIGTERM);

    EXPECT_THAT(machine().status_at_end(5s), AnyOf(0, 1));
}

TEST_P(TheEnd, E1_CommandsSendTheirSignals) {
    boot({"--boot"}, {});
    ASSERT_EQ(ask("catch RTMIN+3 RTMIN+4 INT RTMIN+5 USR1"), "ok");
    ASSERT_EQ(ask("notify X_SYSTEMD_SIGNALS_LEVEL=2"), "ok");

    const Outcome asked = machinist({"poweroff", machine().name()});
    EXPECT_EQ(asked.status, 0) << asked.errors;
    EXPECT_TRUE(ask("came RTMIN+4 500") == "1" || ask("came RTMIN+3 500") == "1");
    EXPECT_EQ(machinist({"reboot", machine().name()}).status, 0);
    EXPECT_TRUE(ask("came INT 1000") == "1" || ask("came RTMIN+5 1000") == "1");
    EXPECT_EQ(machinist({"kill", "--kill-whom=leader", "--signal=SIGUSR1", machine().name()}).status, 0);
    EXPECT_EQ(ask("came USR1 3000"), "1");
}

TEST_P(TheEnd, E3_TakesAllProcessesAlong) {
    boot();
    ASSERT_EQ(ask("sleepers 20"), "ok");
    const pid_t leader = machine().leader();
    ASSERT_GT(leader, 1);

    EXPECT_EQ(machinist({"terminate", machine().name()}).status, 0);

    machine().status_at_end(5s);
    EXPECT_THAT(::kill(leader, 0), Ne(0));
}

TEST_P(TheEnd, E4_SecondRequestEndsItAtOnce) {
    boot({"--kill-signal=SIGUSR1"});
    ASSERT_EQ(ask("catch USR1"), "ok");

    machine().program().signal(SIGTERM);
    EXPECT_EQ(ask("came USR1 3000"), "1");
    machine().program().signal(SIGTERM);

    machine().status_at_end(5s);
}

TEST_P(TheEnd, F1_ByPowerOffIsSuccess) {
    boot();
    machine().tell("reboot poweroff");
    EXPECT_EQ(machine().status_at_end(), 0);
}

TEST_P(TheEnd, F1_ByHaltIsSuccess) {
    boot();
    machine().tell("reboot halt");
    EXPECT_EQ(machine().status_at_end(), 0);
}

TEST_P(TheEnd, F2_ByRebootIsANewStartOfTheSameMachine) {
    boot();
    const std::string id = ask("getenv container_uuid"), boot_id = ask("cat /proc/sys/kernel/random/boot_id");
    const pid_t leader = machine().leader(), supervisor = machine().program().pid();
    ASSERT_EQ(ask("create /run/written-before x"), "ok");
    ASSERT_EQ(ask("create /etc/kept x"), "ok");

    reboot();

    EXPECT_EQ(ask("getenv container_uuid"), id);
    EXPECT_NE(ask("cat /proc/sys/kernel/random/boot_id"), boot_id);
    EXPECT_EQ(ask("hostname"), machine().name());
    EXPECT_EQ(ask("ls /run"), "host");
    EXPECT_EQ(ask("cat /etc/kept"), "x");
    EXPECT_TRUE(eventually([&] { return machine().leader() != leader; }));
    EXPECT_EQ(machine().program().pid(), supervisor);
    EXPECT_EQ(machinist({"wait", machine().name(), "--for=running", "--timeout=5"}).status, 0);
}

TEST_P(TheEnd, F2_RebootsAgainAndAgain) {
    boot();
    for (int round = 0; round < 5; ++round) {
        ASSERT_EQ(ask("pid"), "pid=1 parent=0 group=1 session=1");
        reboot();
    }
    EXPECT_EQ(ask("mount-at /proc/sys").find("proc"), 0U);
    EXPECT_LT(
        std::distance(std::filesystem::directory_iterator{"/proc/" + std::to_string(machine().program().pid()) + "/fd"},
                      {}),
        40);
}

TEST_P(TheEnd, F2_RebootKeepsTheLayer) {
    boot({"--ephemeral"});
    ASSERT_EQ(ask("create /etc/kept x"), "ok");

    reboot();

    EXPECT_EQ(ask("cat /etc/kept"), "x");
    EXPECT_FALSE(tree.has("etc/kept"));
}

TEST_P(TheEnd, F3_ByRebootOfAServiceIs133) {
    boot({"--keep-unit", "--register=no"});
    machine().tell("reboot restart");
    EXPECT_EQ(machine().status_at_end(), 133);
}

TEST_P(TheEnd, F6_StatusOfProcessOneIsTheMachines) {
    boot();
    machine().tell("exit 7");
    EXPECT_EQ(machine().status_at_end(), 7);
}

TEST_P(TheEnd, F6_StatusThatMeansRebootIsReplaced) {
    boot();
    machine().tell("exit 133");
    EXPECT_EQ(machine().status_at_end(), 1);
}

TEST_P(TheEnd, F6_BySignalIsFailureThatIsTold) {
    boot();
    ASSERT_GT(machine().leader(), 1);
    ::kill(machine().leader(), SIGKILL);

    EXPECT_EQ(machine().status_at_end(), 1);
}

TEST_P(TheEnd, F7_EachBootHasAnIdOfItsOwn) {
    boot();
    const std::string first = ask("cat /proc/sys/kernel/random/boot_id");

    EXPECT_THAT(first, testing::MatchesRegex("[0-9a-f-]{36}\n"));
    EXPECT_THAT(first, Ne(of_host("/proc/sys/kernel/random/boot_id")));
    EXPECT_EQ(ask("cat /proc/sys/kernel/random/boot_id"), first);
    end_machine();
    boot();
    EXPECT_NE(ask("cat /proc/sys/kernel/random/boot_id"), first);
}

TEST_P(TheEnd, F8_KernelLogOfTheHostIsNotReached) {
    boot();

    EXPECT_EQ(ask("stat /dev/kmsg"), "!ENOENT");
    EXPECT_THAT(ask("stat /proc/kmsg"), testing::StartsWith("fifo"));
    EXPECT_EQ(ask("open /proc/kmsg r"), "ok");
}

TEST_P(TheEnd, OfTheSupervisorEndsTheMachine) {
    boot();
    const pid_t leader = machine().leader();
    ASSERT_GT(leader, 1);

    machine().program().signal(SIGKILL);

    EXPECT_TRUE(eventually([&] { return ::kill(leader, 0) != 0; }));
    // A name whose machine has died is free at once, and the new start undoes what the old one left.
    Start again = as_this_way();
    again.name = machine().name();
    start(again);
    EXPECT_EQ(ask("hostname"), machine().name());
}

TEST_P(TheEnd, OfTheStubsChildIsTheMachines) {
    EXPECT_EQ(outcome_of(as_this_way({"--as-pid2"}, {"/probe", "--ask", "exit", "9"})).status, 9);

    boot({"--as-pid2"});
    EXPECT_THAT(ask("pid"), HasSubstr("pid=2 parent=1"));
    machine().tell("kill 2 KILL");
    EXPECT_EQ(machine().status_at_end(), 255);
}

TEST_P(TheEnd, OfAMachineWithAStubIsAskedForBySignal) {
    boot({"--as-pid2", "--kill-signal=SIGRTMIN+3"});
    ASSERT_THAT(ask("pid"), HasSubstr("pid=2"));

    machine().program().signal(SIGTERM);

    EXPECT_EQ(machine().status_at_end(), 0);
}

TEST_P(TheEnd, OfACommandThatIsNotThereIsToldAtOnce) {
    const Outcome outcome = outcome_of(as_this_way({}, {"/not-there"}));

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, testing::AllOf(HasSubstr("/not-there"), HasSubstr("No such file or directory")));
}

} // namespace machinist::test
