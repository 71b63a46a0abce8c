// SPDX-License-Identifier: LGPL-2.1-or-later
// Many machines on a real host, with the units as they are installed.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

namespace {

// Leaders that sleep, each registered over Varlink and put into a scope of its own.
constexpr const char* register_program = R"(
import os, socket, sys
caller = socket.socket(socket.AF_UNIX)
caller.connect('/run/systemd/machine/io.systemd.Machine')
for number in range(int(sys.argv[1])):
    leader = os.fork()
    if leader == 0:
        os.execv('/bin/sleep', ['sleep', 'infinity'])
    caller.sendall(('{"method":"io.systemd.Machine.Register","parameters":{"name":"many-%d","class":"container",'
                    '"service":"test","leader":%d,"allocateUnit":true}}' % (number, leader)).encode() + b'\0')
    got = b''
    while not got.endswith(b'\0'):
        got += caller.recv(4096) or sys.exit(3)
    if b'error' in got:
        print(number, got)
        sys.exit(1)
)";

class ManyMachines : public OnAHost {
protected:
    void SetUp() override {
        OnAHost::SetUp();
        if (IsSkipped())
            return;
        (void)sh("systemctl stop systemd-machined.socket systemd-machined.service");
        ASSERT_TRUE(holds("systemctl enable --quiet machinistd.service && systemctl restart machinistd.service"));
    }
    void TearDown() override {
        if (Host::why_not().empty())
            (void)sh(
                "for group in /sys/fs/cgroup/machine.slice/machine-many*.scope; do echo 1 >$group/cgroup.kill; done; "
                "systemctl disable --quiet machinistd; systemctl stop machinistd; "
                "! systemctl cat systemd-machined.socket || systemctl start systemd-machined.socket",
                240s);
        OnAHost::TearDown();
    }
    static std::string listed() {
        return output_of("busctl call --timeout=60 org.freedesktop.machine1 /org/freedesktop/machine1 "
                         "org.freedesktop.machine1.Manager ListMachines | cut -d' ' -f1,2");
    }
};

} // namespace

TEST_F(ManyMachines, AreHeldAsTheServiceIsInstalled) {
    if (Host::release() != "trixie")
        GTEST_SKIP() << "one release is enough: it is the same service";

    const Outcome outcome = sh(std::string{"python3 - 2000 <<'PROGRAM'\n"} + register_program + "PROGRAM\n", 300s);

    ASSERT_EQ(outcome.status, 0) << outcome.output << outcome.errors << sh("journalctl -b -u machinistd -n 20").output;
    EXPECT_EQ(listed(), "a(ssso) 2001");
    ASSERT_TRUE(holds("systemctl kill --signal=KILL machinistd; systemctl reset-failed machinistd"));
    EXPECT_EQ(listed(), "a(ssso) 2001");
    EXPECT_EQ(output_of("machinist list --no-legend | wc -l"), "2000");
    ASSERT_TRUE(
        holds("for group in /sys/fs/cgroup/machine.slice/machine-many*.scope; do echo 1 >$group/cgroup.kill; done"));
    EXPECT_TRUE(eventually([] { return listed() == "a(ssso) 1"; }, 120s));
    EXPECT_TRUE(eventually(
        [] { return output_of("systemctl list-units --no-legend 'machine-many*.scope' | wc -l") == "0"; }, 120s));
}

} // namespace machinist::test
