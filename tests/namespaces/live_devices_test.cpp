// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of the host that a machine is given and loses while it runs, seen from inside. /dev/loop-control stands for
// them all: no machine has it by itself.
#include "namespaces/container_interface.hpp"

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace machinist::test {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

namespace {

class ADeviceGivenToARunningMachine : public TheContainerInterface {
protected:
    void run_machine(std::vector<std::string> options = {}) {
        boot(std::move(options));
        await_running();
    }
    Outcome add(const std::string& device) {
        return machinist({"device", "add", machine().name(), device});
    }
    Outcome remove(const std::string& device) {
        return machinist({"device", "remove", machine().name(), device});
    }
    std::string listed() {
        return machinist({"device", "list", machine().name(), "--no-legend"}).output;
    }
    void reboot() {
        const pid_t before = machine().leader();
        machine().tell("reboot restart");
        ASSERT_TRUE(eventually([&] { return machine().leader() != before; }, 60s)) << machine().program().errors();
        await_running();
    }

private:
    void await_running() {
        ask("pid"); // there is something to wait for
        ASSERT_EQ(machinist({"wait", machine().name(), "--for=running", "--timeout=60"}).status, 0);
    }
};

EVERY_WAY(ADeviceGivenToARunningMachine);

} // namespace

TEST_P(ADeviceGivenToARunningMachine, CanBeUsedAsFarAsItWasGivenUntilItIsTakenAway) {
    run_machine();
    ASSERT_THAT(ask("stat /dev/loop-control"), StartsWith("!ENOENT"));

    ASSERT_EQ(add("/dev/loop-control:r").errors, "");

    EXPECT_THAT(ask("stat /dev/loop-control"), HasSubstr(" 10:237 0:0"));
    EXPECT_EQ(ask("open /dev/loop-control r"), "ok");
    EXPECT_THAT(ask("open /dev/loop-control w"), StartsWith("!EPERM"));
    EXPECT_THAT(ask("open /dev/null w"), "ok");
    EXPECT_THAT(listed(), HasSubstr("/dev/loop-control"));
    EXPECT_THAT(machinist({"status", machine().name()}).output, HasSubstr("Devices: /dev/loop-control r"));
    // The policy, and not only the node's absence, is what ends it.
    ASSERT_EQ(ask("rename /dev/loop-control /dev/kept"), "ok");

    ASSERT_EQ(remove("/dev/loop-control").errors, "");

    EXPECT_THAT(ask("open /dev/kept r"), StartsWith("!EPERM"));
    EXPECT_THAT(ask("open /dev/null w"), "ok");
    EXPECT_THAT(listed(), Not(HasSubstr("loop-control")));

    ASSERT_EQ(ask("unlink /dev/kept"), "ok");
    ASSERT_EQ(add("/dev/loop-control").errors, "");
    EXPECT_EQ(ask("open /dev/loop-control w"), "ok");
    ASSERT_EQ(remove("/dev/loop-control").errors, "");
    EXPECT_THAT(ask("stat /dev/loop-control"), StartsWith("!ENOENT"));
}

TEST_P(ADeviceGivenToARunningMachine, IsNotMadeWhereSomethingElseIs) {
    run_machine();
    ASSERT_EQ(ask("symlink /dev/null /dev/loop-control"), "ok");

    const Outcome outcome = add("/dev/loop-control");

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("is something else"));
    EXPECT_EQ(ask("readlink /dev/loop-control"), "/dev/null");
    EXPECT_THAT(listed(), Not(HasSubstr("loop-control")));
}

TEST_P(ADeviceGivenToARunningMachine, IsNotMadeInWhatTheMachineMountedOnItsDevices) {
    const auto shared = tree.workplace().directory("shared");
    run_machine({"--bind=" + shared.string() + ":/srv"});
    ASSERT_EQ(ask("bind /srv /dev"), "ok");

    const Outcome outcome = add("/dev/loop-control");

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("is not the one that was made for it"));
    EXPECT_TRUE(std::filesystem::is_empty(shared));
    EXPECT_THAT(listed(), Not(HasSubstr("loop-control")));
}

TEST_P(ADeviceGivenToARunningMachine, StaysOverARebootAndIsNotBackOnceItIsTakenAway) {
    run_machine({"--device=/dev/loop-control:r"});
    ASSERT_THAT(listed(), HasSubstr("/dev/loop-control"));
    ASSERT_EQ(remove("/dev/loop-control").errors, "");
    ASSERT_THAT(ask("stat /dev/loop-control"), StartsWith("!ENOENT"));

    reboot();

    ASSERT_THAT(ask("stat /dev/loop-control"), StartsWith("!ENOENT"));
    ASSERT_EQ(add("/dev/loop-control:w").errors, "");

    reboot();

    EXPECT_EQ(ask("open /dev/loop-control w"), "ok");
    EXPECT_THAT(ask("open /dev/loop-control r"), StartsWith("!EPERM"));
}

TEST_P(ADeviceGivenToARunningMachine, CanBeAskedForAgainButNotOtherwise) {
    run_machine();
    ASSERT_EQ(add("/dev/loop-control:r").errors, "");
    ASSERT_EQ(ask("unlink /dev/loop-control"), "ok");

    EXPECT_EQ(add("/dev/loop-control:r").errors, "");
    EXPECT_EQ(ask("open /dev/loop-control r"), "ok");

    const Outcome outcome = add("/dev/loop-control:rw");
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("already, otherwise; try removing it first"));
}

TEST_P(ADeviceGivenToARunningMachine, IsOneOfTheHost) {
    run_machine();

    EXPECT_THAT(add("/dev/no-such-device").errors, HasSubstr("/dev/no-such-device"));
    EXPECT_THAT(add("/etc/passwd").errors, HasSubstr("is no path below /dev"));
    EXPECT_THAT(add("/dev/../etc/passwd").errors, HasSubstr("is no path below /dev"));
    EXPECT_THAT(remove("/dev/loop-control").errors, HasSubstr("was not given '/dev/loop-control'"));
    EXPECT_EQ(listed(), "");
}

} // namespace machinist::test
