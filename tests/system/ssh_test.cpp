// SPDX-License-Identifier: LGPL-2.1-or-later
// ssh to machines: by their names with our proxy, by the path of their sockets with systemd's.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::HasSubstr;

namespace {

constexpr const char* systemds_proxy = "/usr/lib/systemd/systemd-ssh-proxy";
constexpr const char* our_proxy = "machinist\", \"ssh-proxy";

// What answers in the machine is a unit in the place of an ssh server.
class SshToAMachine : public OnAHost {
protected:
    static void listen_in_web(const std::string& at) {
        ASSERT_TRUE(holds("machinist exec web sh -c \"mkdir -p /run/systemd/system && cd /run/systemd/system && "
                          "printf '[Socket]\\nListenStream=" +
                          at +
                          "\\nAccept=yes\\n' >of-ssh.socket && "
                          "printf '[Service]\\nExecStart=echo SSH-2.0-of-web\\nStandardOutput=socket\\n' "
                          ">of-ssh@.service && systemctl daemon-reload && systemctl restart of-ssh.socket\""));
    }
    // What the other end of the connection says that such a program hands to ssh.
    static Outcome heard_by(const std::string& proxy, const std::string& machine, const std::string& port = "22") {
        return sh("python3 -c '\n"
                  "import socket, subprocess, sys\n"
                  "ours, theirs = socket.socketpair()\n"
                  "subprocess.run([\"" +
                  proxy +
                  "\", *sys.argv[1:]], stdout=theirs, check=True)\n"
                  "fd = socket.recv_fds(ours, 1, 1)[1][0]\n"
                  "print(socket.socket(fileno=fd).recv(99).decode(), end=\"\")' " +
                  machine + " " + port);
    }
    void TearDown() override {
        (void)sh("systemctl stop of-ssh.service; systemctl reset-failed; rm -rf /srv/of-ssh");
        OnAHost::TearDown();
    }
};

// With ours as the provider of the list, asked over Varlink.
class SshBySystemdsProxy : public SshToAMachine {
protected:
    void SetUp() override {
        SshToAMachine::SetUp();
        if (IsSkipped())
            return;
        (void)sh("systemctl stop systemd-machined.socket systemd-machined.service");
        ASSERT_TRUE(holds("systemctl enable --quiet machinistd.service machinistd.socket && "
                          "systemctl stop machinistd.service && systemctl restart machinistd.socket"));
    }
    void TearDown() override {
        SshToAMachine::TearDown();
        if (Host::why_not().empty())
            (void)sh("systemctl disable --quiet machinistd.service machinistd.socket; "
                     "systemctl stop machinistd.socket machinistd.service; "
                     "! systemctl cat systemd-machined.socket || systemctl start systemd-machined.socket");
    }
};

} // namespace

TEST_F(SshToAMachine, GoesToTheSocketThatTheMachineOffers) {
    ASSERT_TRUE(holds("systemctl start machinist@web"));
    listen_in_web("/run/host/unix-export/ssh");

    for (const char* name : {"machine/web", "machine%web"}) {
        const Outcome answer = heard_by(our_proxy, name);
        EXPECT_THAT(answer.output, HasSubstr("SSH-2.0-of-web")) << answer.errors;
    }
    if (holds(std::string{"test -x "} + systemds_proxy))
        for (const std::string path : {"unix-export/web", "web/unix-export"}) {
            const Outcome answer = heard_by(systemds_proxy, "unix/run/systemd/nspawn/" + path + "/ssh");
            EXPECT_THAT(answer.output, HasSubstr("SSH-2.0-of-web")) << answer.errors;
        }
    EXPECT_TRUE(holds("machinist poweroff web"));
    EXPECT_TRUE(eventually(
        [] {
            return holds("test ! -e /run/systemd/nspawn/web && "
                         "test ! -L /run/systemd/nspawn/unix-export/web");
        },
        60s));
}

TEST_F(SshToAMachine, GoesToAPortInItsNetworkWhereItOffersNone) {
    ASSERT_TRUE(holds("systemctl start machinist@web"));
    listen_in_web("127.0.0.1:2222");

    const Outcome answer = heard_by(our_proxy, "machine/web", "2222");
    EXPECT_THAT(answer.output, HasSubstr("SSH-2.0-of-web")) << answer.errors;

    EXPECT_THAT(heard_by(our_proxy, "machine/web", "2223").errors,
                HasSubstr("reach machine 'web': it offers no socket for ssh; connect to its port 2223"));
    EXPECT_THAT(heard_by(our_proxy, "machine/nobody").errors, HasSubstr("No machine 'nobody' known"));
    EXPECT_THAT(sh("machinist ssh-proxy machine/web").errors, HasSubstr("this is not ssh; try 'ssh machine/NAME'"));
}

// A machine in the host's network must not lead to the host's own server.
TEST_F(SshToAMachine, IsRefusedWhereThePortWouldBeTheHosts) {
    ASSERT_TRUE(holds("systemd-run --unit=of-ssh --service-type=notify machinist run --quiet -x -D / --keep-unit "
                      "--private-users=no --machine=of-ssh sleep infinity"));

    EXPECT_THAT(heard_by(our_proxy, "machine/of-ssh").errors,
                HasSubstr("it offers no socket for ssh, and has no network of its own"));
}

// With OpenSSH at both ends.
TEST_F(SshToAMachine, RunsACommandThereByTheMachinesName) {
    if (!holds("test -x /usr/bin/ssh -a -x /usr/sbin/sshd"))
        GTEST_SKIP() << "needs openssh-client and openssh-server on the host";
    ASSERT_TRUE(holds("mkdir -p /srv/of-ssh && ssh-keygen -q -t ed25519 -N '' -f /srv/of-ssh/key && "
                      "printf '%s\n' 'set -e' 'mkdir -p /run/sshd /root/.ssh' 'chmod 700 /root/.ssh' "
                      "'cp /srv/of-ssh/key.pub /root/.ssh/authorized_keys' 'ssh-keygen -A' "
                      "'exec systemd-socket-activate --accept --inetd -l /run/host/unix-export/ssh /usr/sbin/sshd -i' "
                      ">/srv/of-ssh/serve"));
    ASSERT_TRUE(holds("systemd-run --unit=of-ssh --service-type=notify machinist run --quiet -x -D / --keep-unit "
                      "--private-users=no --machine=of-ssh --bind-ro=/srv/of-ssh sh /srv/of-ssh/serve"));
    const auto there = [](const std::string& command) {
        return sh("ssh -o BatchMode=yes -i /srv/of-ssh/key machine/of-ssh " + command);
    };

    EXPECT_TRUE(eventually([&] { return there("true").status == 0; }, 60s))
        << there("true").errors << sh("journalctl -b -n 30 -o cat -u of-ssh").output;
    EXPECT_EQ(there("hostname").output, "of-ssh\n");
    EXPECT_EQ(there("exit 7").status, 7);
}

// It asks a manager of the user's own first, and then the host's. Where the user has none it gives up, so here is one
// that knows no machine.
TEST_F(SshBySystemdsProxy, GoesToTheMachineByItsName) {
    if (systemd_version() < 258)
        GTEST_SKIP() << "needs systemd-ssh-proxy that knows machines other than virtual ones, as systemd 258 has it";
    ASSERT_TRUE(holds("mkdir -p /srv/of-ssh/systemd/machine && systemd-run --unit=of-ssh python3 -c '\n"
                      "import socket\n"
                      "listening = socket.socket(socket.AF_UNIX)\n"
                      "listening.bind(\"/srv/of-ssh/systemd/machine/io.systemd.Machine\")\n"
                      "listening.listen()\n"
                      "while True:\n"
                      "    asking, _ = listening.accept()\n"
                      "    asking.recv(65536)\n"
                      "    asking.sendall(b\"{\\\"error\\\":\\\"io.systemd.Machine.NoSuchMachine\\\",\"\n"
                      "                   b\"\\\"parameters\\\":{}}\\0\")\n'"));
    ASSERT_TRUE(eventually([] { return holds("test -S /srv/of-ssh/systemd/machine/io.systemd.Machine"); }, 60s));
    ASSERT_TRUE(holds("systemctl start machinist@web"));
    listen_in_web("/run/host/unix-export/ssh");
    const std::string for_the_user = std::string{"env\", \"XDG_RUNTIME_DIR=/srv/of-ssh\", \""} + systemds_proxy;

    const Outcome answer = heard_by(for_the_user, "machine/web");
    EXPECT_THAT(answer.output, HasSubstr("SSH-2.0-of-web")) << answer.errors;
    EXPECT_NE(heard_by(for_the_user, "machine/nobody").status, 0);
}

} // namespace machinist::test
