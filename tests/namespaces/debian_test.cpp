// SPDX-License-Identifier: LGPL-2.1-or-later
// Container Interface P, and what else is about a booted system: bookworm, trixie and sid say so themselves.
#include "namespaces/container_interface.hpp"
#include "namespaces/debian.hpp"
#include "namespaces/host_audit.hpp"

#include <csignal>
#include <map>
#include <unistd.h>

namespace machinist::test {

using testing::AllOf;
using testing::AnyOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

namespace {

// A suite is booted once and asked many questions, none of which changes what another one sees.
struct BootedOnce {
    std::unique_ptr<Debian> machine;
    std::string problem;
};

std::map<std::string, BootedOnce>& booted() {
    static std::map<std::string, BootedOnce> machines;
    return machines;
}

class EndOfAllDebians : public testing::Environment {
public:
    void TearDown() override {
        booted().clear();
    }
};
// NOLINTNEXTLINE(cert-err58-cpp): GoogleTest wants it so.
[[maybe_unused]] testing::Environment* const end_of_all_debians =
    testing::AddGlobalTestEnvironment(new EndOfAllDebians);

class ADebian : public testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root starts machines";
        if (!Debian::has_tree(GetParam()))
            GTEST_SKIP() << "there is no Debian tree '" << GetParam() << "'; images/build makes it";
        BootedOnce& once = booted()[GetParam()];
        if (!once.machine && once.problem.empty()) {
            try {
                once.machine = std::make_unique<Debian>(GetParam());
            } catch (const std::exception& broken) {
                once.problem = broken.what();
            }
        }
        ASSERT_TRUE(once.machine) << once.problem;
        ASSERT_TRUE(once.machine->program().runs()) << "an earlier test ended it: " << once.machine->console();
    }
    static Debian& machine() {
        return *booted()[GetParam()].machine;
    }
    static Outcome sh(const std::string& command) {
        return machine().sh(command);
    }
    static std::string answer(const std::string& command) {
        const Outcome outcome = sh(command);
        return outcome.errors.empty() || outcome.status == 0 ? outcome.output : outcome.output + outcome.errors;
    }
    static int status_of(const std::string& command) {
        return sh(command).status;
    }
};

} // namespace

INSTANTIATE_TEST_SUITE_P(Booted, ADebian, testing::Values("bookworm", "trixie", "sid"),
                         [](const testing::TestParamInfo<const char*>& suite) { return std::string{suite.param}; });

TEST_P(ADebian, P_IsRunningAndNotDegraded) {
    EXPECT_EQ(answer("systemctl is-system-running --wait"), "running\n");
    EXPECT_EQ(answer("systemctl --failed --no-legend --plain"), "");
}

TEST_P(ADebian, P_KnowsThatItIsAContainer) {
    EXPECT_EQ(answer("systemd-detect-virt --container"), "systemd-nspawn\n");
    EXPECT_EQ(answer("setpriv --reuid=65534 --clear-groups systemd-detect-virt"), "systemd-nspawn\n");
    EXPECT_THAT(answer("cat /run/systemd/container"), StartsWith("systemd-nspawn"));
}

TEST_P(ADebian, P_SeesItsOwnControlGroups) {
    const std::string groups = answer("systemd-cgls --no-pager");

    EXPECT_THAT(groups, AllOf(HasSubstr("init.scope"), HasSubstr("system.slice")));
    EXPECT_THAT(answer("cat /proc/1/cgroup"), HasSubstr("0::/init.scope\n"));
    EXPECT_EQ(status_of("test -d /sys/fs/cgroup/init.scope"), 0);
    EXPECT_EQ(answer("stat -f -c %T /sys/fs/cgroup"), "cgroup2fs\n");
}

TEST_P(ADebian, P_JournalIsOfThisBoot) {
    EXPECT_THAT(answer("journalctl -b --no-pager -n 5"), Not(HasSubstr("No entries")));
    std::string boot_id = answer("cat /proc/sys/kernel/random/boot_id");
    std::erase(boot_id, '-');
    EXPECT_THAT(answer("journalctl --list-boots --no-pager"), HasSubstr(boot_id.substr(0, 32)));
}

TEST_P(ADebian, P_BusServicesAnswer) {
    EXPECT_THAT(answer("hostnamectl"), AllOf(HasSubstr("Chassis: container"),
                                             HasSubstr("Virtualization: systemd-nspawn"), HasSubstr(machine().name())));
    EXPECT_THAT(answer("timedatectl"), HasSubstr("Universal time"));
    EXPECT_EQ(status_of("loginctl list-sessions --no-legend"), 0);
    EXPECT_EQ(status_of("busctl list --no-pager --no-legend >/dev/null"), 0);
}

TEST_P(ADebian, P_SandboxedServicesStart) {
    EXPECT_EQ(
        status_of("systemd-run --quiet --wait -p PrivateDevices=yes -p ProtectSystem=strict -p PrivateTmp=yes true"),
        0);
    EXPECT_EQ(status_of("systemd-run --quiet --wait -p DynamicUser=yes true"), 0);
    EXPECT_EQ(status_of("systemd-run --quiet --wait -p ProtectKernelTunables=yes -p ProtectControlGroups=yes "
                        "-p ProtectHome=yes -p RestrictNamespaces=yes -p SystemCallFilter=@system-service true"),
              0);
}

TEST_P(ADebian, P_PrivateNetworkOfServicesStarts) {
    EXPECT_EQ(status_of("systemd-run --quiet --wait -p PrivateNetwork=yes true"), 0);
}

TEST_P(ADebian, P_LimitOfAServiceIsAccepted) {
    EXPECT_EQ(status_of("systemd-run --quiet --wait -p MemoryMax=64M true"), 0);
}

TEST_P(ADebian, P_UsersWork) {
    EXPECT_THAT(answer("su - nobody -s /bin/sh -c id"), HasSubstr("uid=65534(nobody)"));
}

TEST_P(ADebian, P_MountsAndNamespacesWork) {
    EXPECT_EQ(status_of("unshare -m mount -t tmpfs x /mnt"), 0);
    EXPECT_EQ(status_of("unshare -mpf --mount-proc true"), 0);
    EXPECT_EQ(status_of("unshare -n true"), 0);
}

TEST_P(ADebian, P_OldestFilesOfTheImageBelongToRoot) {
    EXPECT_EQ(answer("stat -c %u:%g /etc/passwd /usr/bin/su /"), "0:0\n0:0\n0:0\n");
    EXPECT_EQ(answer("stat -c %a /usr/bin/su"), "4755\n");
}

TEST_P(ADebian, A1_HostNameIsTheImagesIfItHasOne) {
    const std::string written = text_of(Debian::tree_of(GetParam()) / "etc/hostname");
    EXPECT_EQ(answer("cat /proc/sys/kernel/hostname"), written.empty() ? machine().name() + "\n" : written);
}

TEST_P(ADebian, A14_RunsNoUdev) {
    EXPECT_NE(status_of("pgrep -x systemd-udevd"), 0);
}

TEST_P(ADebian, A15_HasOneGettyOnItsConsole) {
    EXPECT_EQ(answer("systemctl is-active console-getty.service"), "active\n");
    EXPECT_EQ(answer("systemctl list-units --no-legend --plain 'getty@*'"), "");
    EXPECT_EQ(status_of("test -c /dev/console"), 0);
}

TEST_P(ADebian, A20_TmpAndRunAreWritable) {
    EXPECT_EQ(status_of("touch /tmp/x /run/x && rm /tmp/x /run/x"), 0);
    EXPECT_EQ(status_of("test -e /run/host/container-manager"), 0);
}

TEST_P(ADebian, B5_CredentialsReachItsServices) {
    Debian with{GetParam(), {"--set-credential=test.secret:shh"}};

    EXPECT_EQ(with.sh("systemd-creds --system cat test.secret").output, "shh");
    EXPECT_THAT(with.sh("systemd-run --quiet --wait --pipe -p LoadCredential=test.secret "
                        "sh -c 'cat $CREDENTIALS_DIRECTORY/test.secret'")
                    .output,
                HasSubstr("shh"));
}

TEST_P(ADebian, D5_ToldItsManagerWhoItIs) {
    const std::string told = text_of("/run/machinist/machines/" + machine().name() + "/notify");

    EXPECT_THAT(told, HasSubstr("READY=1\n"));
    if (std::string_view{GetParam()} == "bookworm")
        return; // 252 tells nothing more
    EXPECT_THAT(told, AllOf(HasSubstr("X_SYSTEMD_SIGNALS_LEVEL=2\n"),
                            ContainsRegex("X_SYSTEMD_MACHINE_ID=[0-9a-f]{32}\n"), HasSubstr("X_SYSTEMD_HOSTNAME=")));
}

TEST_P(ADebian, E1_E2_F_PowersOffAndRebootsOnRequest) {
    Debian own{GetParam()};
    const std::string boot_id = own.sh("cat /proc/sys/kernel/random/boot_id").output;
    const pid_t leader = own.leader();

    ASSERT_EQ(run(MACHINIST_PROGRAM, {"reboot", own.name()}).status, 0);
    EXPECT_TRUE(eventually([&] { return own.leader() != leader && own.leader() > 0; }, 60s));
    ASSERT_TRUE(own.becomes_ready()) << own.console();
    EXPECT_NE(own.sh("cat /proc/sys/kernel/random/boot_id").output, boot_id);

    ASSERT_EQ(run(MACHINIST_PROGRAM, {"poweroff", own.name()}).status, 0);
    EXPECT_EQ(own.program().end_within(60s).value_or(-1), 0) << own.console();
}

TEST_P(ADebian, F_PowersItselfOff) {
    Debian own{GetParam()};

    (void)own.sh("systemctl poweroff");

    EXPECT_EQ(own.program().end_within(60s).value_or(-1), 0) << own.console();
    EXPECT_THAT(remnants_of(own.name(), "/nowhere"), IsEmpty());
}

TEST_P(ADebian, F3_RebootsAsAServiceWith133) {
    Debian own{GetParam(), {"--keep-unit", "--register=yes"}};

    (void)own.sh("systemctl reboot");

    EXPECT_EQ(own.program().end_within(60s).value_or(-1), 133) << own.console();
}

TEST_P(ADebian, F6_ExitsWithTheStatusThatItWasTold) {
    Debian own{GetParam()};

    (void)own.sh("systemctl exit 7");

    EXPECT_EQ(own.program().end_within(60s).value_or(-1), 7) << own.console();
}

TEST_P(ADebian, E1_EndsInOrderWhenItsSupervisorIsAsked) {
    Debian own{GetParam()};

    own.program().signal(SIGTERM);

    EXPECT_EQ(own.program().end_within(60s).value_or(-1), 0) << own.console();
}

TEST_P(ADebian, G2_TakesTheIdThatItWasGiven) {
    if (!text_of(Debian::tree_of(GetParam()) / "etc/machine-id").starts_with("uninitialized") &&
        !text_of(Debian::tree_of(GetParam()) / "etc/machine-id").empty())
        GTEST_SKIP() << "the tree has an id of its own";
    Debian own{GetParam(), {"--uuid=6f3ab12a-3c4d-4e5f-8a9b-0c1d2e3f4a5b"}};

    EXPECT_EQ(own.sh("cat /etc/machine-id").output, "6f3ab12a3c4d4e5f8a9b0c1d2e3f4a5b\n");
}

TEST_P(ADebian, K_RunsWithTheHostsUsersToo) {
    Debian own{GetParam(), {"--private-users=no"}, "systemd-nspawn"};

    EXPECT_EQ(own.sh("systemctl is-system-running --wait").output, "running\n") << own.sh("systemctl --failed").output;
    EXPECT_EQ(own.sh("systemd-run --quiet --wait -p PrivateDevices=yes -p PrivateTmp=yes true").status, 0);
    // Nested user namespaces are left out of our own manner.
    EXPECT_EQ(own.sh("systemd-run --quiet --wait -p PrivateUsers=yes true").status, 0);
}

TEST_P(ADebian, OpensShellsAsSessionsOfItsOwn) {
    const Outcome shell = run(MACHINIST_PROGRAM,
                              {"shell", "--quiet", "nobody@" + machine().name(), "/bin/sh", "-c",
                               "id -un; tty; echo session=$XDG_SESSION_ID.; exit 5"},
                              {.input = ""});

    EXPECT_EQ(shell.status, 5) << shell.errors;
    EXPECT_THAT(shell.output, AllOf(HasSubstr("nobody\r\n/dev/pts/"), ContainsRegex("session=[0-9c]+\\.")));
}

TEST_P(ADebian, TellsHowAShellWasKilled) {
    const Outcome shell =
        run(MACHINIST_PROGRAM, {"shell", "--quiet", machine().name(), "/bin/sh", "-c", "kill -KILL $$"}, {.input = ""});

    EXPECT_EQ(shell.status, 128 + SIGKILL) << shell.output << shell.errors;
}

TEST_P(ADebian, I_RunsWithANetworkOfItsOwn) {
    Debian own{GetParam(), {"--private-network"}};

    EXPECT_EQ(own.sh("systemctl is-system-running --wait").output, "running\n") << own.sh("systemctl --failed").output;
    EXPECT_EQ(own.sh("ping -c1 -W2 127.0.0.1").status, 0);
    EXPECT_EQ(own.sh("su - nobody -s /bin/sh -c 'ping -c1 -W2 127.0.0.1'").status, 0);
    EXPECT_THAT(own.sh("ip -o link").output, AllOf(HasSubstr("lo: <LOOPBACK,UP"), Not(HasSubstr("eth0"))));
}

TEST_P(ADebian, RunsReadOnlyAndVolatile) {
    Debian overlay{GetParam(), {"--directory=" + Debian::tree_of(GetParam()).string(), "--volatile=overlay"}};
    EXPECT_EQ(overlay.sh("systemctl is-system-running --wait").output, "running\n")
        << overlay.sh("systemctl --failed").output;
}

TEST_P(ADebian, LeavesItsTreeAsItWas) {
    const auto written = std::filesystem::last_write_time(Debian::tree_of(GetParam()) / "etc");
    ASSERT_EQ(status_of("echo x >/etc/written-inside"), 0);

    EXPECT_FALSE(std::filesystem::exists(Debian::tree_of(GetParam()) / "etc/written-inside"));
    EXPECT_EQ(std::filesystem::last_write_time(Debian::tree_of(GetParam()) / "etc"), written);
}

TEST_P(ADebian, TakesNothingFromTheHost) {
    const std::string before = fingerprint_of_host();
    {
        Debian own{GetParam(), {"--private-users=no"}, "systemd-nspawn"};
        // The last of it may be refused: what counts is what the host looks like afterwards.
        static_cast<void>(own.sh(
            "chmod 0600 /dev/null; chown 5:5 /dev/null; systemctl restart console-getty; sysctl -w kernel.hostname=x"));
    }
    EXPECT_EQ(fingerprint_of_host(), before);
}

} // namespace machinist::test
