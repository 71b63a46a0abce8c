// SPDX-License-Identifier: LGPL-2.1-or-later
// machinistd.socket: the service is started for its callers, and no caller finds the socket gone.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

namespace {

using testing::HasSubstr;

// ask SOCKET MESSAGE [TIMES]: prints the last answer. Status 4 if nobody listens, 3 if nobody answers.
constexpr const char* ask_program = R"(
import socket, sys, time
def answer():
    caller = socket.socket(socket.AF_UNIX)
    caller.settimeout(30)
    try:
        caller.connect(sys.argv[1])
    except OSError as error:
        print(error)
        sys.exit(4)
    try:
        caller.sendall(sys.argv[2].encode() + b'\0')
        got = b''
        while not got.endswith(b'\0'):
            part = caller.recv(65536)
            if not part:
                return None
            got += part
        return got[:-1].decode()
    except OSError:
        return None
for turn in range(int(sys.argv[3]) if len(sys.argv) > 3 else 1):
    for attempt in range(50):
        said = answer()
        if said is not None:
            break
        time.sleep(0.1)
    else:
        sys.exit(3)
print(said)
)";

constexpr const char* machines_socket = "/run/systemd/machine/io.systemd.Machine";

class TheSocket : public OnAHost {
protected:
    void SetUp() override {
        OnAHost::SetUp();
        if (IsSkipped())
            return;
        (void)sh("systemctl stop systemd-machined.socket systemd-machined.service");
        ASSERT_TRUE(holds("systemctl enable --quiet machinistd.service machinistd.socket && "
                          "systemctl stop machinistd.service && systemctl restart machinistd.socket"));
        ASSERT_TRUE(holds(std::string{"cat >/tmp/ask.py <<'PROGRAM'\n"} + ask_program + "PROGRAM\n"));
    }
    void TearDown() override {
        OnAHost::TearDown();
        if (!Host::why_not().empty())
            return;
        (void)sh("systemctl disable --quiet machinistd.service machinistd.socket; "
                 "systemctl stop machinistd.socket machinistd.service; "
                 "rm -rf /etc/systemd/system/machinistd.service.d; systemctl daemon-reload; "
                 "! systemctl cat systemd-machined.socket || systemctl start systemd-machined.socket");
    }
    static Outcome ask(const std::string& socket, const std::string& method, const std::string& parameters = "{}") {
        return sh("python3 /tmp/ask.py " + socket + R"( '{"method":")" + method + R"(","parameters":)" + parameters +
                  "}'");
    }
    static Outcome ping() {
        return ask(machines_socket, "io.systemd.service.Ping");
    }
    static std::string main_process() {
        return output_of("systemctl show -P MainPID machinistd");
    }
};

} // namespace

TEST_F(TheSocket, StartsTheServiceForItsFirstCaller) {
    EXPECT_EQ(output_of("systemctl show -P ActiveState machinistd"), "inactive");

    const Outcome outcome = ping();

    EXPECT_EQ(outcome.output, "{\"parameters\":{}}\n") << outcome.errors;
    EXPECT_EQ(output_of("systemctl show -P ActiveState machinistd"), "active");
}

TEST_F(TheSocket, IsTheSameHoweverOftenTheServiceIsStartedAgain) {
    const std::string sockets = std::string{"stat -c %i "} + machines_socket +
                                "; readlink /run/systemd/machine/io.systemd."
                                "MachineImage /run/varlink/registry/io.systemd.Machine "
                                "/run/varlink/registry/io.systemd.MachineImage";
    const std::string before = output_of(sockets);
    EXPECT_EQ(ping().status, 0);
    const std::string first = main_process();

    ASSERT_TRUE(holds("systemctl restart machinistd"));
    EXPECT_EQ(ping().status, 0);
    ASSERT_TRUE(holds("systemctl kill --signal=KILL machinistd; systemctl reset-failed machinistd"));
    EXPECT_EQ(ping().status, 0);
    ASSERT_TRUE(holds("systemctl stop machinistd; systemctl reset-failed machinistd"));
    EXPECT_EQ(ping().status, 0);

    EXPECT_EQ(output_of(sockets), before);
    EXPECT_NE(main_process(), first);
}

TEST_F(TheSocket, IsThereForEveryCallerWhileTheServiceIsStartedAgain) {
    const Outcome outcome = sh(
        std::string{"(for i in $(seq 8); do systemctl restart machinistd; systemctl reset-failed machinistd; done) & "
                    "python3 /tmp/ask.py "} +
            machines_socket + R"( '{"method":"io.systemd.service.Ping"}' 300; status=$?; wait; exit $status)",
        120s);

    EXPECT_EQ(outcome.status, 0) << outcome.output << outcome.errors;
}

TEST_F(TheSocket, WaitsForCallersWhenTheServiceHasEnded) {
    ASSERT_TRUE(holds("mkdir -p /etc/systemd/system/machinistd.service.d && printf '[Service]\\nExecStart=\\n"
                      "ExecStart=/usr/libexec/machinist/machinistd --idle-exit=1\\n' "
                      ">/etc/systemd/system/machinistd.service.d/idle.conf && systemctl daemon-reload"));
    for (int turn = 0; turn < 2; ++turn) {
        EXPECT_EQ(ping().status, 0);
        EXPECT_TRUE(
            eventually([] { return output_of("systemctl show -P ActiveState machinistd") == "inactive"; }, 30s));
        EXPECT_EQ(output_of("systemctl show -P Result machinistd"), "success");
    }
}

TEST_F(TheSocket, HasOnesBesideItForUsersAndNames) {
    ASSERT_TRUE(holds("systemctl start machinist@web"));
    EXPECT_EQ(ping().status, 0);
    const std::string outside = output_of("awk '$1 == 0 { print $2 }' /proc/$(machinist show -P Leader web)/uid_map");

    const Outcome user = ask("/run/systemd/userdb/io.systemd.Machine", "io.systemd.UserDatabase.GetUserRecord",
                             R"({"service":"io.systemd.Machine","uid":)" + outside + "}");
    const Outcome none = ask("/run/systemd/resolve.hook/io.systemd.Machine", "io.systemd.Resolve.Hook.ResolveRecord",
                             R"({"question":[{"key":{"class":1,"type":1,"name":"example"}}]})");

    if (outside != "0") {
        EXPECT_THAT(user.output, HasSubstr("\"userName\":\"vu-web-0\""));
    }
    EXPECT_EQ(none.output, "{\"parameters\":{}}\n");
}

TEST_F(TheSocket, IsNotMadeByTheServiceWhereSomebodyElseHasTheName) {
    ASSERT_TRUE(holds("systemctl disable --quiet machinistd.service machinistd.socket; systemctl stop "
                      "machinistd.socket machinistd.service; systemctl daemon-reload; systemctl start "
                      "systemd-machined.service && systemctl start machinistd.service"));

    EXPECT_EQ(output_of("busctl get-property io.machinist /org/freedesktop/machine1 io.machinist.Manager1 Provider"),
              "b false");
    EXPECT_FALSE(holds("ss -xlp 2>/dev/null | grep io.systemd.Machine | grep machinistd"));
}

} // namespace machinist::test
