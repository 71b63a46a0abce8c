// SPDX-License-Identifier: LGPL-2.1-or-later
#include "service.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/wait.h>

namespace machinist::testing {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EndingAMachine : public AService {};

constexpr const char* no_machine = "org.freedesktop.machine1.NoSuchMachine";

bool ends_by(const Leader& leader, int signal) {
    int status = 0;
    for (int tries = 0; tries < 500; ++tries) {
        if (::waitpid(leader.pid(), &status, WNOHANG) == leader.pid())
            return WIFSIGNALED(status) && WTERMSIG(status) == signal;
        (void)::poll(nullptr, 0, 10);
    }
    return false;
}

} // namespace

TEST_F(EndingAMachine, StopsTheUnitThatIsTheMachines) {
    listen();
    const Leader leader;
    (void)create_machine("web", leader.number());

    EXPECT_EQ(manager("TerminateMachine", std::string{"web"}).error, "");

    EXPECT_THAT(systemd.stopped, ElementsAre("machine-web.scope"));
    EXPECT_TRUE(until([&] {
        for (const SignalSeen& seen : signals)
            if (seen.member == "PropertiesChanged" && seen.path == machine_path("web") &&
                seen.detail == "State=closing")
                return true;
        return false;
    }));
}

TEST_F(EndingAMachine, IsDoneWhereTheUnitIsGoneAlready) {
    const Leader leader;
    (void)create_machine("web", leader.number());
    systemd.scopes.clear();

    EXPECT_EQ(machine("web", "Terminate").error, "");
}

TEST_F(EndingAMachine, KillsTheLeaderWhereThereIsNoUnitAndNoSupervisor) {
    const Leader leader;
    // A caller that is its own leader has no supervisor: played by a process that registers by its pidfd's number.
    (void)register_machine("web", leader.number());

    EXPECT_EQ(manager("KillMachine", std::string{"web"}, std::string{"leader"}, std::int32_t{SIGTERM}).error, "");

    EXPECT_TRUE(ends_by(leader, SIGTERM));
    EXPECT_TRUE(until([&] { return names().size() == 1; }));
}

TEST_F(EndingAMachine, SignalsTheWholeUnit) {
    const Leader leader;
    (void)create_machine("web", leader.number());

    EXPECT_EQ(manager("KillMachine", std::string{"web"}, std::string{"all"}, std::int32_t{SIGUSR1}).error, "");
    EXPECT_EQ(machine("web", "Kill", std::string{}, std::int32_t{SIGUSR2}).error, "");

    EXPECT_THAT(systemd.killed, ElementsAre("machine-web.scope  10", "machine-web.scope  12"));
}

TEST_F(EndingAMachine, RefusesSignalsAndTargetsThatAreNone) {
    const Leader leader;
    (void)create_machine("web", leader.number());
    for (const std::int32_t signal : {0, -1, 65, 2147483647, -2147483647 - 1})
        EXPECT_EQ(machine("web", "Kill", std::string{"leader"}, signal).error, "org.freedesktop.DBus.Error.InvalidArgs")
            << signal;
    for (const std::string& whom : {std::string{"Leader"}, std::string{"everybody"}, std::string(100'000, 'x')})
        EXPECT_EQ(machine("web", "Kill", whom, std::int32_t{SIGTERM}).error, "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_EQ(::kill(leader.pid(), 0), 0);
}

TEST_F(EndingAMachine, SaysThatThereIsNone) {
    EXPECT_EQ(manager("TerminateMachine", std::string{"web"}).error, no_machine);
    EXPECT_EQ(manager("KillMachine", std::string{"web"}, std::string{}, std::int32_t{9}).error, no_machine);
    EXPECT_EQ(manager("TerminateMachine", std::string{"web"}).sentence, "No machine 'web' known");
    EXPECT_EQ(machine("web", "Terminate").error, "org.freedesktop.DBus.Error.UnknownObject");
}

TEST_F(EndingAMachine, LeavesTheHostAlone) {
    EXPECT_EQ(manager("TerminateMachine", std::string{".host"}).error, "org.freedesktop.DBus.Error.NotSupported");
    EXPECT_EQ(manager("KillMachine", std::string{".host"}, std::string{"all"}, std::int32_t{9}).error,
              "org.freedesktop.DBus.Error.NotSupported");
    EXPECT_EQ(manager("UnregisterMachine", std::string{".host"}).error, "org.freedesktop.DBus.Error.NotSupported");
}

TEST_F(EndingAMachine, SeesThatSystemdStopsItsUnit) {
    const Leader leader;
    (void)create_machine("web", leader.number());

    systemd.tell_stopping("machine-web.scope");

    EXPECT_TRUE(until([&] {
        return property(machine_path("web"), machine_interface, "State").take<Variant>() ==
               Variant{std::string{"closing"}};
    }));
}

TEST_F(EndingAMachine, ForgetsAMachineWhoseLeaderLeftItsUnit) {
    const Leader leader;
    (void)create_machine("web", leader.number());

    systemd.tell_gone("machine-web.scope");

    EXPECT_TRUE(until([&] { return names().size() == 1; }));
}

TEST_F(EndingAMachine, HasOneNameForOneProcessAmongItsAncestors) {
    const Leader leader;
    (void)register_machine("web", leader.number());

    EXPECT_EQ(manager("GetMachineByPID", std::uint32_t{1}).error, "org.freedesktop.machine1.NoMachineForPID");
    EXPECT_EQ(manager("GetMachineByPID", std::uint32_t{4294967295U}).error, "org.freedesktop.DBus.Error.InvalidArgs");
    EXPECT_EQ(manager("GetMachineByPID", std::uint32_t{0}).error, "org.freedesktop.machine1.NoMachineForPID");
}

} // namespace machinist::testing
