// SPDX-License-Identifier: LGPL-2.1-or-later
// What starts, watches and enters booted machines by systemd's programs and by machine1: the calls of its sources.
#include "system/under_systemds_names.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

namespace {

const std::string tree = "/var/lib/machines/web";
const std::string manager = "org.freedesktop.machine1 /org/freedesktop/machine1 org.freedesktop.machine1.Manager ";
// Of nspawn-runner and moncic-ci.
const std::string runner =
    "systemd-run --quiet --unit=runs-ci --property=KillMode=mixed --property=Type=notify "
    "--property=RestartForceExitStatus=133 --property=SuccessExitStatus=133 --property=Slice=machine.slice "
    "--property=Delegate=yes --property=TasksMax=16384 --property=WatchdogSec=3min ";

std::string on_a_terminal(const std::string& command) {
    return "script -qec \"" + command + "\" /dev/null </dev/null";
}

} // namespace

class MachineCallers : public UnderSystemdsNames {
protected:
    static void boot() {
        ASSERT_EQ(
            sh(runner + "systemd-nspawn --quiet --directory=" + tree + " --machine=web --boot --notify-ready=yes", 120s)
                .status,
            0)
            << why_not_running("web", "runs-ci");
    }
};

TEST_F(MachineCallers, CiRunnersBootALayerEnterItAndTerminateIt) {
    ASSERT_EQ(sh(runner + "--setenv=SYSTEMD_SECCOMP=0 systemd-nspawn --quiet --directory=" + tree +
                     " --machine=run-7 --boot --notify-ready=yes --suppress-sync=yes --volatile=overlay --read-only "
                     "--resolv-conf=replace-host --timezone=copy --bind-ro=/srv systemd.hostname=builder "
                     "systemd.mask=systemd-logind.service",
                 120s)
                  .status,
              0)
        << why_not_running("run-7", "runs-ci");

    const Outcome outcome = sh("echo 'hostname; touch /etc/made && systemctl is-enabled systemd-logind; exit 4' | "
                               "systemd-run --quiet --pipe --wait --machine=run-7 /bin/bash");
    EXPECT_EQ(outcome.status, 4);
    EXPECT_THAT(outcome.output, MatchesRegex("builder\nmasked.*\n")) << outcome.errors;
    EXPECT_FALSE(holds("test -e " + tree + "/etc/made"));
    EXPECT_EQ(output_of("systemd-run --machine=run-7 --wait --quiet --collect --service-type=exec "
                        "--working-directory=/usr --pipe --uid=1 --gid=1 /bin/sh -c 'pwd; id -u'"),
              "/usr\n1");
    EXPECT_EQ(sh("machinectl terminate run-7").status, 0);
    EXPECT_TRUE(ends("run-7"));
}

TEST_F(MachineCallers, MoncicStopsByASignalToTheLeader) {
    boot();
    // What the machine itself says, which goes on from "Startup finished" to "Ready".
    EXPECT_THAT(output_of("systemctl show -P StatusText runs-ci"),
                ContainsRegex("Container running: (Startup finished|Ready)"));

    EXPECT_TRUE(holds("eval $(machinectl show web | grep ^Leader=) && kill -RTMIN+4 $Leader"));

    EXPECT_TRUE(ends("web"));
    EXPECT_TRUE(eventually([] { return !holds("systemctl is-active runs-ci"); }, 30s));
}

TEST_F(MachineCallers, JailmakerRunsAndFindsItsJails) {
    const Outcome outcome = sh("systemd-run --collect --property=Delegate=yes --property=RestartForceExitStatus=133 "
                               "--property=SuccessExitStatus=133 --property=TasksMax=infinity --property=Type=notify "
                               "--setenv=SYSTEMD_NSPAWN_LOCK=0 --property=KillMode=mixed --unit=runs-jlmkr-web "
                               "--working-directory=/var/lib/machines '--description=My nspawn jail web' "
                               "--setenv=SYSTEMD_SECCOMP=0 -- systemd-nspawn --bind-ro=/sys/module --boot "
                               "--inaccessible=$(ls -d /sys/module/*/ | head -n 1) --quiet --keep-unit --machine=web "
                               "--directory=web --notify-ready=yes --resolv-conf=bind-host "
                               "'--system-call-filter=add_key keyctl bpf' --bind=/srv:/mnt/data",
                               120s);
    ASSERT_EQ(outcome.status, 0) << outcome.errors << why_not_running("web", "runs-jlmkr-web");

    EXPECT_THAT(output_of("machinectl list -o json | tr -d ' \\n'"),
                ContainsRegex(R"("machine":"web"[^}]*"service":"systemd-nspawn")"));
    EXPECT_THAT(sh(on_a_terminal("machinectl shell web /bin/ls -d /mnt/data")).output, HasSubstr("/mnt/data"));
    EXPECT_EQ(sh("machinectl poweroff web").status, 0);
    EXPECT_TRUE(ends("web"));
}

TEST_F(MachineCallers, NixosContainersNameTheirInit) {
    const Outcome outcome =
        sh("mkdir -p /srv/store && echo store >/srv/store/path && systemd-run --quiet --unit=runs-nixos "
           "--property=Type=notify "
           "--property=RestartForceExitStatus=133 --property=SuccessExitStatus=133 --property=Slice=machine.slice "
           "--property=Delegate=true --property=KillMode=mixed --property=DevicePolicy=closed "
           "--setenv=SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn --keep-unit -M web -D " +
               tree +
               " --private-network --notify-ready=yes --kill-signal=SIGRTMIN+3 --bind-ro=/srv/store:/nix/store "
               "--bind=/srv:/mnt/shared --link-journal=try-guest --setenv PRIVATE_NETWORK=1 --setenv "
               "PATH=/usr/bin:/usr/sbin "
               "--capability=CAP_NET_RAW --tmpfs=/var/tmp /sbin/init",
           120s);
    ASSERT_EQ(outcome.status, 0) << outcome.errors << why_not_running("web", "runs-nixos");

    EXPECT_EQ(
        output_of(
            "nsenter -t $(machinectl show web --property Leader --value) -m -u -i -n -p -- /bin/cat /nix/store/path"),
        "store");
    EXPECT_EQ(output_of("systemctl stop runs-nixos; systemctl show -P Result runs-nixos"), "success");
    EXPECT_EQ(output_of("machinectl list --no-legend"), "");
}

TEST_F(MachineCallers, NomadStartsReadsAndKills) {
    const Outcome outcome = sh(
        "systemd-run --quiet --unit=runs-nomad systemd-nspawn -D " + tree +
        " --boot --ephemeral --private-network --private-users=pick --private-users-ownership=auto --console=read-only "
        "--machine nomad --resolv-conf copy-host --bind /srv:/mnt/alloc --bind-ro /usr:/mnt/usr "
        "-E NOMAD=1 --property=TasksMax=1000 --capability CAP_NET_ADMIN");
    ASSERT_EQ(outcome.status, 0) << outcome.errors;
    ASSERT_EQ(why_not_running("nomad", "runs-nomad"), "");

    const std::string object = output_of("busctl call " + manager + "GetMachine s nomad | cut -d '\"' -f 2");
    for (const std::string interface : {"org.freedesktop.machine1.Machine", ""}) {
        const std::string all = output_of("busctl call org.freedesktop.machine1 " + object +
                                          " org.freedesktop.DBus.Properties GetAll s '" + interface + "'");
        for (const char* property :
             {"Name\" s ", "Timestamp\" t ", "TimestampMonotonic\" t ", "NetworkInterfaces\" ai ", "Id\" ay ",
              "Class\" s ", "Leader\" u ", "RootDirectory\" s ", "Service\" s ", "State\" s ", "Unit\" s "})
            EXPECT_THAT(all, HasSubstr(property));
    }
    EXPECT_THAT(output_of("busctl call " + manager + "GetMachineAddresses s nomad"), StartsWith("a(iay) "));
    EXPECT_THAT(output_of("machinectl --all show nomad"), HasSubstr("\nUnit="));
    EXPECT_EQ(sh("machinectl --all show nosuch").output, "");
    EXPECT_EQ(sh("machinectl kill nomad -s SIGKILL").status, 0);
    EXPECT_TRUE(ends("nomad"));
}

TEST_F(MachineCallers, AnsibleBecomesAUserOfAMachine) {
    boot();

    const Outcome become =
        sh(on_a_terminal("machinectl -q shell games@web /bin/sh -c 'id -un; echo BECOME-SUCCESS-x'"));
    EXPECT_THAT(become.output, HasSubstr("games\r\nBECOME-SUCCESS-x\r\n")) << become.errors;
    EXPECT_EQ(become.status, 0);
    EXPECT_THAT(output_of("machinectl --version"), ContainsRegex("^systemd [0-9]+"));
    EXPECT_THAT(output_of("machinectl list --no-legend"), StartsWith("web container systemd-nspawn debian"));
    EXPECT_THAT(output_of("SYSTEMD_LOG_LEVEL=notice machinectl show web"),
                AllOf(HasSubstr("State=running\n"), HasSubstr("RootDirectory=" + tree + "\n")));
    EXPECT_TRUE(
        holds("rm -f /tmp/again; echo module >/tmp/module && machinectl copy-to web /tmp/module /root/module.py && "
              "machinectl copy-from web /root/module.py /tmp/again && cmp /tmp/module /tmp/again; "
              "status=$?; rm -f /tmp/again " +
              tree + "/root/module.py; exit $status"));
    EXPECT_THAT(output_of("machinectl list -o json"), ContainsRegex("\"machine\" *: *\"web\""));
}

TEST_F(MachineCallers, SaltGlpiAndCockpitReadTheTexts) {
    boot();

    EXPECT_THAT(output_of("machinectl --no-legend --no-pager status web"), ContainsRegex("Leader: [0-9]+"));
    EXPECT_THAT(output_of("machinectl --no-pager --no-legend"), StartsWith("web container"));
    EXPECT_THAT(output_of("machinectl show -p Id web"), MatchesRegex("Id=[0-9a-f]{32}"));
    EXPECT_EQ(output_of("machinectl --no-legend --no-pager show --property=State web"), "State=running");
    EXPECT_THAT(output_of("machinectl list --output=json --no-pager"),
                AllOf(HasSubstr("\"service\""), HasSubstr("\"addresses\"")));
    EXPECT_THAT(output_of("machinectl list-images --output=json"), ContainsRegex("\"name\" *: *\"web\""));
    EXPECT_THAT(output_of("systemctl --machine=web is-system-running --wait"), "running");
    EXPECT_THAT(sh(on_a_terminal("machinectl shell web /bin/bash -c 'hostname; exit 0'")).output, HasSubstr("web"));
    EXPECT_THAT(sh("systemd-nspawn --quiet --boot --directory=" + tree + " --machine=web").errors,
                HasSubstr("already"));
}

TEST_F(MachineCallers, LasperPowersOffByAKillOfTheManager) {
    boot();

    EXPECT_THAT(output_of("busctl call " + manager + "ListMachines"),
                HasSubstr("\"web\" \"container\" \"systemd-nspawn\""));
    EXPECT_THAT(output_of("busctl call " + manager + "ListImages"), StartsWith("a(ssbttto) "));
    EXPECT_TRUE(holds("busctl call " + manager + "KillMachine ssi web leader $(($(kill -l RTMIN) + 4))"));

    EXPECT_TRUE(ends("web"));
}

TEST_F(MachineCallers, LibvirtRegistersAGuestWithItsLinks) {
    ASSERT_TRUE(
        holds("ip link add vnet0 type veth peer name vnet0p && systemd-run --quiet --unit=runs-guest sleep 3600"));
    const std::string pid = output_of("systemctl show -P MainPID runs-guest");
    const std::string link = output_of("cat /sys/class/net/vnet0/ifindex");
    const std::string scope = R"(machine-qemu\x2d1\x2dguest.scope)";

    const Outcome created = sh("busctl call " + manager +
                               "CreateMachineWithNetwork 'sayssusaia(sv)' qemu-1-guest "
                               "16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 libvirt-qemu vm " +
                               pid + " '' 1 " + link +
                               " 3 Slice s machine.slice After as 2 libvirtd.service virtqemud.service Before as 1 "
                               "virt-guest-shutdown.target");
    EXPECT_EQ(created.status, 0) << created.errors;
    EXPECT_EQ(sh("busctl call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager "
                 "SetUnitProperties 'sba(sv)' '" +
                 scope + "' true 1 TasksMax t 32768")
                  .status,
              0);
    const std::string object = output_of("busctl call " + manager + "GetMachineByPID u " + pid + " | cut -d '\"' -f 2");
    const std::string of_machine =
        "busctl get-property org.freedesktop.machine1 " + object + " org.freedesktop.machine1.Machine ";
    EXPECT_EQ(output_of(of_machine + "Name"), "s \"qemu-1-guest\"");
    EXPECT_THAT(output_of(of_machine + "Unit"), HasSubstr("dguest.scope"));
    EXPECT_EQ(output_of(of_machine + "NetworkInterfaces"), "ai 1 " + link);
    EXPECT_EQ(output_of("systemctl show -P TasksMax '" + scope + "'"), "32768");
    EXPECT_THAT(output_of("systemctl show -P After '" + scope + "'"), HasSubstr("virtqemud.service"));
    EXPECT_EQ(sh("busctl call " + manager + "TerminateMachine s qemu-1-guest").status, 0);
    EXPECT_TRUE(ends("qemu-1-guest"));
    EXPECT_THAT(sh("busctl call " + manager + "TerminateMachine s qemu-1-guest").errors,
                HasSubstr("No machine 'qemu-1-guest' known"));
    EXPECT_FALSE(holds("ip link show vnet0 >/dev/null && ip link delete vnet0 && test -e /proc/" + pid + "/exe"));
}

TEST_F(MachineCallers, PflaskRegistersWithoutAnIdAndWithoutProperties) {
    ASSERT_TRUE(holds("systemd-run --quiet --unit=runs-guest sleep 3600"));
    const std::string pid = output_of("systemctl show -P MainPID runs-guest");

    const Outcome created =
        sh("busctl call " + manager + "CreateMachine 'sayssusa(sv)' flask 0 pflask container " + pid + " '' 0");

    EXPECT_EQ(created.status, 0) << created.errors;
    EXPECT_EQ(output_of("machinectl show --property=Unit --value flask"), "machine-flask.scope");
    EXPECT_EQ(sh("machinectl terminate flask").status, 0);
}

} // namespace machinist::test
