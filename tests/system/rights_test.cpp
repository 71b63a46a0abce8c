// SPDX-License-Identifier: LGPL-2.1-or-later
// Verbs of machinist by two users: alice, to whom polkit allows everything with machines, and bob, to whom it does not.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class WithoutRoot : public WithOurProvider {
protected:
    static void start() {
        ASSERT_TRUE(holds("systemctl start machinist@web"));
    }
    // Typed is what the person types, a moment after the program began.
    static Outcome on_terminal(const std::string& user, const std::string& command, const std::string& typed) {
        return as(user, "(sleep 2; printf '" + typed + "'; sleep 1) | script -qec '" + command + "' /dev/null");
    }
};

TEST_F(WithoutRoot, EverybodyMayLook) {
    start();
    for (const char* user : {"alice", "bob"}) {
        EXPECT_THAT(as(user, "machinist list --no-legend").output, StartsWith("web container systemd-nspawn")) << user;
        EXPECT_EQ(as(user, "machinist show -P State web").output, "running\n") << user;
        EXPECT_THAT(as(user, "machinist status -n0 web").output, ContainsRegex("Leader: [0-9]+ \\(systemd\\)")) << user;
        EXPECT_EQ(as(user, "machinist wait --for=running --timeout=5 web").status, 0) << user;
    }
    // What is in a machine is not everybody's business.
    EXPECT_THAT(as("alice", "machinist list --no-legend").output, HasSubstr("debian"));
    EXPECT_THAT(as("bob", "machinist list --no-legend").output, Not(HasSubstr("debian")));
}

TEST_F(WithoutRoot, NothingIsDoneForThoseWhoMayNot) {
    start();
    for (const char* words :
         {"poweroff web", "reboot web", "terminate web", "kill web", "exec web -- /bin/true", "bind web /srv /srv",
          "copy-to web /etc/hostname /root/x", "copy-from web /etc/shadow /tmp/shadow", "shell web /bin/true",
          "start other", "enable web", "disable web"}) {
        const Outcome outcome = as("bob", std::string{"machinist --no-ask-password "} + words);

        EXPECT_NE(outcome.status, 0) << words;
        EXPECT_EQ(outcome.output, "") << words;
        EXPECT_THAT(outcome.errors,
                    AllOf(StartsWith("machinist: "),
                          ContainsRegex("[Pp]ermission denied|[Aa]uthenti[cz]ation|authoriz|Access denied")))
            << words;
    }
    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");
    EXPECT_NE(sh("systemctl is-enabled --quiet machinist@web").status, 0);
}

TEST_F(WithoutRoot, MachinesAreStartedUsedAndEndedByThoseWhoMay) {
    const Outcome started = as("alice", "machinist start web");
    EXPECT_EQ(started.status, 0) << started.errors;
    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");
    EXPECT_EQ(as("alice", "machinist wait --for=ready --timeout=30 web").status, 0);

    const Outcome executed =
        as("alice", "echo asked | machinist exec web -- /bin/sh -c 'cat; id -u; echo wrong >&2; exit 7'");
    EXPECT_EQ(executed.status, 7);
    EXPECT_EQ(executed.output, "asked\n0\n");
    EXPECT_THAT(executed.errors, HasSubstr("wrong"));
    EXPECT_EQ(as("alice", "machinist exec web --timeout=0.3 -- /bin/sleep 60").status, 124);
    EXPECT_EQ(as("alice", "machinist wait --for='exec=test -d /etc' --timeout=10 web").status, 0);

    const std::string before = output_of("machinist show -P Leader web");
    EXPECT_EQ(as("alice", "machinist reboot --wait --timeout=40 web").status, 0);
    EXPECT_NE(output_of("machinist show -P Leader web"), before);
    EXPECT_EQ(as("alice", "machinist poweroff web").status, 0);
    EXPECT_EQ(as("alice", "machinist wait --for=removed --timeout=30 web").status, 0);
}

TEST_F(WithoutRoot, MachinesAreEnabledByThoseWhoMay) {
    const Outcome enabled = as("alice", "machinist enable --now web");
    EXPECT_EQ(enabled.status, 0) << enabled.errors;
    EXPECT_THAT(enabled.errors, HasSubstr("machines.target.wants/machinist@web.service"));
    EXPECT_EQ(output_of("systemctl is-enabled machinist@web"), "enabled");
    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");

    EXPECT_EQ(as("alice", "machinist disable --now --quiet web").errors, "");

    EXPECT_NE(sh("systemctl is-enabled --quiet machinist@web").status, 0);
    EXPECT_TRUE(eventually([] { return output_of("machinist list --no-legend").empty(); }, 30s));
    (void)sh("systemctl disable --quiet machines.target");
}

TEST_F(WithoutRoot, InitsOfEachKindAreAskedToEndInTheirOwnWay) {
    if (!holds("test -d /var/lib/machines/busy"))
        GTEST_SKIP() << "needs the tree busybox; tests/run makes it";
    ASSERT_TRUE(holds("systemctl start machinist@busy && machinist wait --for=ready --timeout=30 busy"));

    EXPECT_NE(as("bob", "machinist --no-ask-password poweroff busy").status, 0);
    EXPECT_EQ(output_of("systemctl is-active machinist@busy"), "active");
    const std::string before = output_of("machinist show -P Leader busy");
    const Outcome rebooted = as("alice", "machinist reboot --wait --timeout=40 busy");
    EXPECT_EQ(rebooted.status, 0) << rebooted.errors;
    EXPECT_NE(output_of("machinist show -P Leader busy"), before);
    ASSERT_TRUE(holds("machinist wait --for=ready --timeout=30 busy"));
    const Outcome outcome = as("alice", "machinist poweroff --wait --timeout=40 busy");

    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_TRUE(
        eventually([] { return output_of("systemctl show -P ActiveState machinist@busy") == "inactive"; }, 30s));
    EXPECT_EQ(output_of("systemctl show -P Result machinist@busy"), "success");
}

TEST_F(WithoutRoot, MachinesArePausedAndResumedByThoseWhoMay) {
    start();
    EXPECT_NE(as("bob", "machinist --no-ask-password pause web").status, 0);
    EXPECT_EQ(output_of("machinist exec web -- echo runs"), "runs");

    const Outcome paused = as("alice", "machinist pause web");

    EXPECT_EQ(paused.status, 0) << paused.errors;
    EXPECT_THAT(output_of("machinist status -n0 web"), HasSubstr(", paused"));
    const Outcome refused = sh("machinist exec web -- echo runs");
    EXPECT_EQ(refused.output, "");
    EXPECT_THAT(refused.errors, HasSubstr("'web' is paused; try 'machinist resume web'"));
    EXPECT_EQ(as("alice", "machinist resume web").status, 0);
    EXPECT_EQ(output_of("machinist exec web -- echo runs"), "runs");

    ASSERT_TRUE(holds("machinist pause web"));
    EXPECT_EQ(output_of("systemctl stop machinist@web; systemctl show -P Result machinist@web"), "success");
    EXPECT_THAT(output_of("journalctl -b -u machinist@web -o cat -n 30"),
                ContainsRegex("Reached target.*(S|s)hutdown"));
}

TEST_F(WithoutRoot, PolkitsAgentIsRunOnATerminalAndEndsWithTheVerb) {
    start();
    // A user without a session of logind's has no agent; so this one only tells how it was called.
    ASSERT_TRUE(
        holds("mkdir -p /tmp/agent && chmod 777 /tmp/agent && printf '#!/bin/sh\\necho \"$*\" >/tmp/agent/said; "
              "exec 3>&-; exec sleep 1234\\n' >/tmp/agent/pkttyagent && chmod 755 /tmp/agent/pkttyagent"));
    const std::string path = "env PATH=/tmp/agent:/usr/bin:/bin ";

    EXPECT_THAT(on_terminal("bob", path + "machinist --no-ask-password poweroff web", "").output,
                HasSubstr("ermission denied"));
    EXPECT_NE(sh("cat /tmp/agent/said").status, 0);
    EXPECT_NE(as("bob", path + "machinist poweroff web </dev/null").status, 0);
    EXPECT_NE(sh("cat /tmp/agent/said").status, 0) << "there was no terminal";
    EXPECT_THAT(on_terminal("bob", path + "machinist poweroff web", "").output, HasSubstr("ermission denied"));
    EXPECT_EQ(sh("cat /tmp/agent/said").output, "--notify-fd 3 --fallback\n");

    EXPECT_EQ(sh("pgrep -f 'sleep 123[4]'").output, "");
    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");
}

TEST_F(WithoutRoot, AnAgentThatIsNotInstalledIsDoneWithout) {
    start();

    const Outcome outcome = on_terminal("alice", "env PATH=/nowhere /usr/bin/machinist poweroff web", "");

    EXPECT_THAT(outcome.output, Not(HasSubstr("machinist:")));
    EXPECT_TRUE(eventually([] { return output_of("machinist list --no-legend").empty(); }, 30s));
}

// In a session of bob's on a terminal, with root's password to be found.
class OnATerminal : public WithoutRoot {
protected:
    void SetUp() override {
        WithoutRoot::SetUp();
        if (IsSkipped())
            return;
        start();
        ASSERT_TRUE(holds("echo root:the-right-one | chpasswd && printf '#!/bin/sh\n\"$@\"; echo ended=$?\n' "
                          ">/tmp/asks && chmod 755 /tmp/asks"));
        if (ask("machinectl kill --signal=SIGCONT web", "the-right-one").find("assword") == std::string::npos)
            GTEST_SKIP() << "polkit asks nobody in sessions of this host, not for the genuine machinectl either";
    }
    void TearDown() override {
        if (Host::why_not().empty())
            (void)sh("passwd --quiet --lock root");
        WithoutRoot::TearDown();
    }
    // What the terminal showed. The password is typed when it is asked for.
    static std::string ask(const std::string& words, const std::string& password) {
        constexpr const char* waiting = "wait_for() { for i in $(seq 600); do grep -q \"$1\" /tmp/shown && return; "
                                        "sleep 0.1; done; }; ";
        (void)sh(std::string{waiting} + "rm -f /tmp/shown; : >/tmp/shown; (wait_for 'assword: \\|ended='; echo '" +
                     password + "'; wait_for ended=) | script -qefc 'machinist --quiet shell bob@.host /tmp/asks " +
                     words + "' /tmp/shown",
                 120s);
        return output_of("cat /tmp/shown");
    }
};

TEST_F(OnATerminal, ThePersonIsAskedForAPasswordAndMayThen) {
    const std::string shown = ask("machinist poweroff web", "the-right-one");

    EXPECT_THAT(shown, AllOf(HasSubstr("Authentication is required"), HasSubstr("ended=0")));
    EXPECT_THAT(shown, Not(HasSubstr("the-right-one")));
    EXPECT_TRUE(eventually([] { return output_of("machinist list --no-legend").empty(); }, 30s));
}

TEST_F(OnATerminal, AWrongPasswordIsRefused) {
    const std::string shown = ask("machinist poweroff web", "a-wrong-one");

    EXPECT_THAT(shown, AllOf(HasSubstr("FAILED"), HasSubstr("ended=1"), HasSubstr("ermission denied")));
    EXPECT_EQ(output_of("systemctl is-active machinist@web"), "active");
    EXPECT_EQ(sh("pgrep -x pkttyagent").output, "");
}

TEST_F(WithoutRoot, EventsAreMonitored) {
    ASSERT_TRUE(holds("systemd-run --quiet --unit=runs-monitor --uid=bob -p StandardOutput=file:/tmp/events machinist "
                      "monitor"));
    start();
    (void)sh("systemctl stop machinist@web");

    EXPECT_TRUE(
        eventually([] { return sh("cat /tmp/events").output.find("MachineRemoved") != std::string::npos; }, 20s));
    const std::string events = output_of("cat /tmp/events");
    EXPECT_THAT(events, AllOf(ContainsRegex("\"event\":\"MachineNew\",\"machine\":\"web\""),
                              ContainsRegex("\"event\":\"PropertiesChanged\",\"machine\":\"web\"[^\n]*\"BootPhase\"")));
    EXPECT_TRUE(holds("systemctl stop runs-monitor; test $(systemctl show -P Result runs-monitor) = success"));
    // Each line is one object.
    EXPECT_TRUE(holds("! grep -v '^{\"timestamp\":[0-9]*,.*}$' /tmp/events"));
}

} // namespace machinist::test
