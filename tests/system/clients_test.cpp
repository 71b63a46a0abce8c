// SPDX-License-Identifier: LGPL-2.1-or-later
// The genuine programs of the release, with systemd-machined and with machinistd as the provider of machine1.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class TheClients : public WithEachProvider {
protected:
    void SetUp() override {
        WithEachProvider::SetUp();
        if (IsSkipped() || HasFatalFailure())
            return;
        ASSERT_TRUE(holds("systemctl start machinist@web"));
    }
    static std::string leader() {
        return output_of("machinectl show --property=Leader --value web");
    }
};

INSTANTIATE_TEST_SUITE_P(By, TheClients, testing::Values("machined", "machinistd"),
                         [](const auto& provider) { return provider.param; });

TEST_P(TheClients, OfMachine1AreAnsweredByTheProvider) {
    EXPECT_EQ(output_of("readlink /proc/$(busctl status org.freedesktop.machine1 | sed -n 's/^PID=//p')/exe | "
                        "xargs basename"),
              is_ours() ? "machinistd" : "systemd-machined");
}

TEST_P(TheClients, MachinectlLists) {
    EXPECT_THAT(output_of("machinectl list"), AllOf(StartsWith("MACHINE CLASS"), HasSubstr("1 machines listed.")));
    EXPECT_THAT(output_of("machinectl --no-legend"), ContainsRegex("^web +container +systemd-nspawn +debian"));
}

TEST_P(TheClients, MachinectlShows) {
    EXPECT_THAT(output_of("machinectl show web"),
                AllOf(HasSubstr("Name=web\n"), HasSubstr("Class=container\n"), HasSubstr("State=running"),
                      HasSubstr("Service=systemd-nspawn\n"), HasSubstr("Unit=machinist@web.service\n"),
                      HasSubstr("RootDirectory=/var/lib/machines/web\n")));
    EXPECT_TRUE(holds("grep -q '^0::/machine.slice/machinist@web.service/payload' /proc/" + leader() + "/cgroup"));
}

TEST_P(TheClients, MachinectlTellsTheStatus) {
    EXPECT_THAT(output_of("machinectl status --no-pager web"),
                AllOf(StartsWith("web("), ContainsRegex("Leader: [0-9]+ \\(systemd\\)"), HasSubstr("Debian GNU/Linux"),
                      HasSubstr("machinist@web.service")));
}

TEST_P(TheClients, MachinectlOfAnUnknownMachineFailsWithoutOutput) {
    const Outcome outcome = sh("machinectl show nosuch");

    EXPECT_EQ(outcome.status, 1);
    EXPECT_EQ(outcome.output, "");
    EXPECT_THAT(outcome.errors, HasSubstr("No machine 'nosuch' known"));
}

TEST_P(TheClients, MachinectlPowersOff) {
    EXPECT_EQ(sh("machinectl poweroff web").status, 0);

    EXPECT_TRUE(eventually([] { return output_of("machinectl list --no-legend").empty(); }, 20s));
    EXPECT_TRUE(eventually([] { return output_of("systemctl show -P ActiveState machinist@web") == "inactive"; }, 20s));
    EXPECT_EQ(output_of("systemctl show -P Result machinist@web"), "success");
}

TEST_P(TheClients, MachinectlReboots) {
    const std::string before = leader();

    EXPECT_EQ(sh("machinectl reboot web").status, 0);

    EXPECT_TRUE(eventually(
        [&] {
            const Outcome now = sh("machinectl show --property=Leader --value web");
            return now.status == 0 && now.output != before + "\n";
        },
        30s));
}

TEST_P(TheClients, MachinectlTerminates) {
    EXPECT_EQ(sh("machinectl terminate web").status, 0);

    EXPECT_TRUE(eventually([] { return output_of("machinectl list --no-legend").empty(); }, 20s));
}

TEST_P(TheClients, MachinectlKills) {
    EXPECT_EQ(sh("machinectl kill --signal=SIGKILL web").status, 0);

    EXPECT_TRUE(eventually([] { return output_of("machinectl list --no-legend").empty(); }, 20s));
}

TEST_P(TheClients, MachinectlCopiesBothWays) {
    // The genuine one cannot write where the machine's users are mapped.
    if (!is_ours()) {
        ASSERT_TRUE(holds("systemctl stop machinist@web && systemd-run --quiet --collect --unit=runs-web "
                          "--service-type=notify machinist run -b --notify-ready=yes --private-users=no "
                          "-D /var/lib/machines/web"));
    }
    EXPECT_EQ(sh("echo there >/tmp/there; rm -f /tmp/back /var/lib/machines/web/root/there; machinectl copy-to web "
                 "/tmp/there /root/there && "
                 "machinectl copy-from web /root/there /tmp/back && cmp /tmp/there /tmp/back")
                  .status,
              0);
}

TEST_P(TheClients, MachinectlRunsAShell) {
    const Outcome outcome = sh("script -qec \"machinectl --quiet shell web /bin/hostname\" /dev/null </dev/null");

    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("web"));
}

TEST_P(TheClients, MachinectlOpensALogin) {
    const Outcome outcome = sh("(sleep 3; printf '\\035\\035\\035'; sleep 1) | "
                               "script -qec 'machinectl login web' /dev/null");

    EXPECT_THAT(outcome.output, HasSubstr("web login:"));
    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");
}

TEST_P(TheClients, MachinectlBindsOrSaysWhyNot) {
    const Outcome outcome = sh("mkdir -p /srv/shared && echo shared >/srv/shared/file && "
                               "machinectl bind --mkdir web /srv/shared /srv/shared");

    // The genuine one has no way into machines but through a directory that systemd-nspawn keeps for it.
    if (is_ours())
        EXPECT_EQ(output_of("machinist exec web -- /bin/cat /srv/shared/file"), "shared") << outcome.errors;
    else
        EXPECT_NE(outcome.status, 0);
    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");
}

TEST_P(TheClients, NamesOfMachinesAreHostNames) {
    ASSERT_TRUE(holds("systemctl stop machinist@web && systemd-run --quiet --collect --unit=runs-web "
                      "--service-type=notify machinist run -b --notify-ready=yes --private-network "
                      "-D /var/lib/machines/web"));
    ASSERT_TRUE(holds("nsenter -t " + leader() + " -n ip address add 10.9.8.7/32 dev lo"));

    EXPECT_THAT(output_of("getent hosts web"), HasSubstr("10.9.8.7"));
    EXPECT_THAT(output_of("machinectl --no-legend list"), HasSubstr("10.9.8.7"));
}

TEST_P(TheClients, MachinectlIsASuOfTheHost) {
    const Outcome outcome =
        sh("script -qec \"machinectl --quiet shell alice@.host /usr/bin/id -un\" /dev/null </dev/null");

    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("alice"));
}

TEST_P(TheClients, SystemctlManagesUnitsInside) {
    EXPECT_EQ(output_of("systemctl -M web is-system-running --wait"), "running");
    EXPECT_EQ(output_of("systemctl -M web show -P Id dbus.service"), "dbus.service");
}

TEST_P(TheClients, SystemdRunGivesStreamsAndStatus) {
    const Outcome outcome =
        sh("echo asked | systemd-run -M web --quiet --pipe --wait /bin/sh -c 'cat; echo wrong >&2; exit 7'");

    EXPECT_EQ(outcome.status, 7);
    EXPECT_EQ(outcome.output, "asked\n");
    EXPECT_THAT(outcome.errors, HasSubstr("wrong"));
}

TEST_P(TheClients, LoginctlAndBusctlReachInside) {
    EXPECT_EQ(sh("loginctl -M web list-users --no-legend").status, 0);
    EXPECT_THAT(output_of("busctl -M web --no-pager list"), HasSubstr("org.freedesktop.login1"));
}

TEST_P(TheClients, JournalctlReadsTheMachinesJournal) {
    EXPECT_TRUE(
        holds("machinist exec web -- /bin/sh -c 'echo from inside | systemd-cat -t tester; journalctl --sync'"));

    EXPECT_THAT(output_of("journalctl -M web -t tester -o cat"), HasSubstr("from inside"));
}

TEST_P(TheClients, PsAndCgroupListsNameTheMachine) {
    EXPECT_THAT(output_of("systemd-cgls --no-pager"), HasSubstr("machinist@web.service"));
    // What is told of a machine that is one part of its unit differs by release: a scope is all the machine's.
    ASSERT_TRUE(holds("systemctl stop machinist@web && systemd-run --quiet --collect --unit=runs-web "
                      "--service-type=notify machinist run -b --notify-ready=yes -D /var/lib/machines/web"));
    EXPECT_EQ(output_of("ps -o machine= -p " + leader() + " | tr -d ' '"), "web");
    EXPECT_THAT(output_of("systemd-cgls --no-pager -M web"), HasSubstr("systemd-journald"));
    (void)sh("systemctl stop machine-web.scope");
}

TEST_P(TheClients, UsersWithoutRightsMayLookOnly) {
    EXPECT_THAT(as("bob", "machinectl --no-legend list").output, StartsWith("web"));
    EXPECT_NE(as("bob", "machinectl --no-ask-password poweroff web").status, 0);
    EXPECT_NE(as("bob", "machinectl --no-ask-password kill web").status, 0);
    EXPECT_NE(as("bob", "machinectl --no-ask-password terminate web").status, 0);
    EXPECT_NE(as("bob", "machinectl --no-ask-password copy-from web /etc/shadow /tmp/shadow").status, 0);
    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");
}

TEST_P(TheClients, UsersWithRightsMayAct) {
    const Outcome outcome = as("alice", "machinectl --no-ask-password poweroff web");

    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_TRUE(eventually([] { return output_of("machinectl list --no-legend").empty(); }, 20s));
}

TEST_P(TheClients, StartUnitsByMachinectlWhereTheNameIsOurs) {
    if (sh("machinectl show-image web").errors.find("not supported") != std::string::npos)
        GTEST_SKIP() << "needs the provider's images";
    ASSERT_TRUE(
        holds("systemctl stop machinist@web; ln -sf /usr/libexec/machinist/compat/system/systemd-nspawn@.service "
              "/etc/systemd/system/ && systemctl daemon-reload"));

    EXPECT_EQ(sh("machinectl start web").status, 0);
    EXPECT_EQ(sh("machinectl enable web").status, 0);
    EXPECT_EQ(output_of("systemctl is-enabled systemd-nspawn@web"), "enabled");
    EXPECT_EQ(sh("machinectl disable web").status, 0);

    EXPECT_EQ(output_of("systemctl is-active systemd-nspawn@web"), "active");
    EXPECT_EQ(output_of("readlink -f /proc/$(systemctl show -P MainPID systemd-nspawn@web)/exe | xargs basename"),
              "machinist-supervisor");
    (void)sh(
        "systemctl stop systemd-nspawn@web; rm /etc/systemd/system/systemd-nspawn@.service; systemctl daemon-reload");
}

} // namespace machinist::test
