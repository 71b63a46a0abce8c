// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist run on a host of systemd's: the machine's scope, its stop, its name.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class TheScope : public OnAHost {
protected:
    // In a service of its own, as from a terminal that stays; waits until the machine is ready.
    static void run_machine(const std::string& options = "", const std::string& service_options = "",
                            const std::string& service = "runs-web") {
        const Outcome outcome =
            sh("systemd-run --quiet --collect --unit=" + service + " --service-type=notify " + service_options +
               " machinist run --boot --notify-ready=yes --machine=web --directory=/var/lib/machines/web " + options);
        EXPECT_EQ(outcome.status, 0) << outcome.errors << sh("journalctl -b -u " + service + " -o cat -n 20").output;
    }
    static std::string property(const std::string& name) {
        return output_of("systemctl show -P " + name + " machine-web.scope");
    }
};

TEST_F(TheScope, IsDelegatedLimitedAndInTheSliceOfMachines) {
    run_machine();

    EXPECT_EQ(property("ActiveState"), "active");
    EXPECT_EQ(property("Slice"), "machine.slice");
    EXPECT_EQ(property("Delegate"), "yes");
    EXPECT_EQ(property("DevicePolicy"), "closed");
    EXPECT_THAT(property("DeviceAllow"), HasSubstr("/dev/net/tun rwm"));
    EXPECT_EQ(property("TasksMax"), "16384");
    EXPECT_EQ(output_of("cat /sys/fs/cgroup/machine.slice/machine-web.scope/cgroup.procs"), "");
    EXPECT_TRUE(holds("grep -qx $(machinist show -P Leader web) "
                      "/sys/fs/cgroup/machine.slice/machine-web.scope/payload/init.scope/cgroup.procs"));
}

TEST_F(TheScope, HasWhatTheCallerAdds) {
    run_machine("--slice=mine --property=MemoryMax=1G --property='DeviceAllow=block-* r' "
                "--property=Description='A machine to try'");

    EXPECT_EQ(property("Slice"), "mine.slice");
    EXPECT_EQ(property("MemoryMax"), "1073741824");
    EXPECT_EQ(property("Description"), "A machine to try");
    EXPECT_THAT(property("DeviceAllow"), HasSubstr("block-* r"));
}

TEST_F(TheScope, PermitsTheDevicesThatTheMachineIsGivenWhileItRuns) {
    run_machine("--property='DeviceAllow=block-* r'");
    const std::string opens = "machinist exec web -- dd if=/dev/loop-control count=0";
    ASSERT_FALSE(holds(opens));

    EXPECT_EQ(output_of("machinist device add web /dev/loop-control:r"), "");

    EXPECT_TRUE(holds(opens));
    EXPECT_THAT(property("DeviceAllow"), HasSubstr("/dev/char/10:237 r"));

    EXPECT_EQ(output_of("machinist device remove web /dev/loop-control"), "");

    EXPECT_FALSE(holds(opens));
    EXPECT_THAT(property("DeviceAllow"), Not(HasSubstr("10:237")));
    EXPECT_THAT(property("DeviceAllow"), HasSubstr("/dev/net/tun rwm"));
    EXPECT_THAT(property("DeviceAllow"), HasSubstr("block-* r"));
    EXPECT_EQ(property("DevicePolicy"), "closed");
}

TEST_F(TheScope, WithAPropertyThatDoesNotExistIsNotMadeAndNothingIsLeft) {
    const Outcome outcome = sh("machinist run -b -D /var/lib/machines/web --property=NoSuch=1");

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("set property 'NoSuch' of the unit: a scope has none of that name"));
    EXPECT_FALSE(holds("systemctl is-active machine-web.scope"));
    EXPECT_EQ(output_of("ls -A /run/machinist/machines"), "");
}

TEST_F(TheScope, ShutsItsMachineDownInOrderWhenItIsStopped) {
    run_machine();

    EXPECT_EQ(sh("systemctl stop machine-web.scope").status, 0);

    EXPECT_THAT(output_of("journalctl -b -o cat -n 60"), ContainsRegex("Reached target.*(S|s)hutdown"));
    EXPECT_THAT(output_of("journalctl -b -o cat -n 60"), Not(HasSubstr("with signal SIGKILL")));
    EXPECT_EQ(output_of("machinist list --no-legend; machinectl list --no-legend"), "");
}

TEST_F(TheScope, ShutsItsMachineDownInOrderAfterSystemdAndMachinedWereStartedAgain) {
    run_machine();
    ASSERT_EQ(sh("systemctl kill --signal=KILL --kill-who=main systemd-machined; systemctl daemon-reexec").status, 0);

    EXPECT_EQ(sh("systemctl stop machine-web.scope").status, 0);

    EXPECT_THAT(output_of("journalctl -b -o cat -n 60"), ContainsRegex("Reached target.*(S|s)hutdown"));
}

TEST_F(TheScope, IsTakenOverFromADeadPredecessor) {
    for (int i = 0; i < 5; ++i) {
        // Only the scope's name is to be taken over: systemd needs its time until that of a dead service is free.
        run_machine("", "", "runs-web-" + std::to_string(i));
        ASSERT_EQ(sh("systemctl kill --signal=KILL machine-web.scope").status, 0);
        // systemd may still have the scope; the processes that hold the machine's name must have gone.
        ASSERT_TRUE(eventually(
            [] { return !holds("grep 'populated 1' /sys/fs/cgroup/machine.slice/machine-web.scope/cgroup.events"); },
            10s));
    }
}

TEST_F(TheScope, OfALivingMachineIsNotTakenOver) {
    run_machine();

    const Outcome second = sh("machinist run -b -M web -x -D /var/lib/machines/web");

    EXPECT_EQ(second.status, 1);
    EXPECT_THAT(second.errors, HasSubstr("machine 'web' already exists"));
    EXPECT_EQ(property("ActiveState"), "active");
}

TEST_F(TheScope, OfSomebodyElseIsNotTakenOver) {
    ASSERT_EQ(sh("systemd-run --quiet --scope --unit=machine-web.scope sleep 60 & sleep 0.5; "
                 "systemctl is-active machine-web.scope")
                  .status,
              0);

    const Outcome second = sh("machinist run -b -M web -x -D /var/lib/machines/web");

    EXPECT_EQ(second.status, 1);
    EXPECT_THAT(second.errors, HasSubstr("that unit already exists"));
    EXPECT_EQ(property("ActiveState"), "active");
}

TEST_F(TheScope, StaysWhenItsMachineReboots) {
    run_machine();
    const std::string id = property("InvocationID");
    const std::string leader = output_of("machinectl show --property=Leader --value web");

    EXPECT_TRUE(holds("machinist exec web -- /usr/bin/systemctl reboot"));

    EXPECT_TRUE(eventually(
        [&] {
            const std::string now = sh("machinectl show --property=Leader --value web").output;
            return !now.empty() && now != leader + "\n";
        },
        20s));
    EXPECT_EQ(property("InvocationID"), id);
    EXPECT_TRUE(holds("machinist wait --for=ready --timeout=30 web"));
}

TEST_F(TheScope, IsMadeForAMachineThatIsNotListed) {
    const Outcome outcome = sh(
        "machinist run -q -x -M web -D /var/lib/machines/web --register=no --pipe sh -c 'sleep 1; echo done' & "
        "sleep 0.5; systemctl list-units --no-legend --plain 'machine-web*.scope'; machinectl list --no-legend; wait");

    EXPECT_THAT(outcome.output, ContainsRegex("machine-web.+x40[0-9]+.scope +loaded active running"));
    EXPECT_THAT(outcome.output, HasSubstr("done"));
    EXPECT_THAT(outcome.output, Not(HasSubstr("systemd-nspawn")));
}

TEST_F(TheScope, IsNamedByAFileWhereNobodyProvidesTheList) {
    ASSERT_TRUE(holds("systemctl mask --runtime --quiet systemd-machined.service && "
                      "systemctl stop systemd-machined.socket systemd-machined.service; "
                      "! busctl status org.freedesktop.machine1"));

    run_machine();
    EXPECT_THAT(output_of("cat /run/systemd/machines/web"), HasSubstr("SCOPE=machine-web.scope\n"));
    EXPECT_EQ(output_of("readlink /run/systemd/machines/unit:machine-web.scope"), "web");
    EXPECT_EQ(output_of("systemctl -M web is-active multi-user.target"), "active");
    EXPECT_EQ(sh("systemctl stop machine-web.scope").status, 0);
    EXPECT_TRUE(eventually([] { return output_of("ls -A /run/systemd/machines").empty(); }, 5s));

    const Outcome insisting = sh("machinist run -b -M web -D /var/lib/machines/web --register=yes");
    EXPECT_EQ(insisting.status, 1);
    EXPECT_THAT(insisting.errors, HasSubstr("register machine 'web'"));
    EXPECT_TRUE(holds("systemctl unmask --runtime --quiet systemd-machined.service; "
                      "! systemctl cat systemd-machined.socket || systemctl start systemd-machined.socket"));
}

TEST_F(TheScope, GoesWithItsMachine) {
    EXPECT_EQ(output_of("machinist run -q -x -M web -D /var/lib/machines/web --pipe cat /proc/self/cgroup | grep 0::"),
              "0::/");

    EXPECT_EQ(output_of("machinectl list --no-legend"), "");
    EXPECT_TRUE(eventually([] { return !holds("systemctl is-active machine-web.scope"); }, 5s));
}

TEST_F(TheScope, IsNotMadeForAMachineThatKeepsItsUnit) {
    run_machine("--keep-unit", "--property=Delegate=yes --property=KillMode=mixed");

    EXPECT_EQ(property("LoadState"), "not-found");
    const std::string group = "/sys/fs/cgroup" + output_of("systemctl show -P ControlGroup runs-web");
    EXPECT_TRUE(holds("grep -qx $(machinectl show --property=Leader --value web) " + group +
                      "/payload/init.scope/cgroup.procs"));
    EXPECT_EQ(output_of("machinectl show --property=Unit --value web"), "runs-web.service");
}

} // namespace machinist::test
