// SPDX-License-Identifier: LGPL-2.1-or-later
// Sockets and stored descriptors of a unit, in the machine that it starts.
#include "system/host.hpp"

namespace machinist::test {

class HandedOnDescriptors : public OnAHost {
protected:
    // A program of Python's in a machine: the host's own tree, which has one, below a throw-away layer.
    static void make_service(const std::string& name, const std::string& properties, const std::string& program) {
        ASSERT_TRUE(holds("mkdir -p /srv/handed && cat >/srv/handed/program <<'END'\n" + program + "END\n"));
        ASSERT_TRUE(holds("printf '%s\\n' '[Service]' Type=notify KillMode=mixed Delegate=yes Slice=machine.slice " +
                          properties +
                          " 'ExecStart=/usr/bin/machinist run --keep-unit --quiet -x -D / --private-users=no "
                          "--machine=of-" +
                          name + " --bind=/srv/handed python3 /srv/handed/program' >/run/systemd/system/" + name +
                          ".service && systemctl daemon-reload"));
    }
    void TearDown() override {
        (void)sh("for unit in hands-on.socket hands-on.service keeps.service; do systemctl stop $unit; done; systemctl "
                 "reset-failed; "
                 "rm -rf /run/systemd/system/hands-on.* /run/systemd/system/keeps.service /srv/handed; "
                 "systemctl daemon-reload");
        OnAHost::TearDown();
    }
};

TEST_F(HandedOnDescriptors, ASocketStartsItsMachineAndIsServedInIt) {
    make_service("hands-on", "Description=of-a-test",
                 "import os, socket\n"
                 "assert os.environ['LISTEN_PID'] == str(os.getpid())\n"
                 "listening = socket.socket(fileno=3)\n"
                 "while True:\n"
                 "    client, _ = listening.accept()\n"
                 "    client.sendall((os.environ['LISTEN_FDS'] + ' ' + socket.gethostname()).encode())\n"
                 "    client.close()\n");
    ASSERT_TRUE(holds("printf '%s\\n' '[Socket]' ListenStream=/run/hands-on >/run/systemd/system/hands-on.socket && "
                      "systemctl daemon-reload && systemctl start hands-on.socket"));
    const std::string ask =
        "python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect(\"/run/hands-on\"); "
        "print(s.recv(99).decode())'";

    EXPECT_EQ(output_of(ask), "1 of-hands-on") << sh("journalctl -b -n 30 -o cat -u hands-on").output;
    EXPECT_EQ(output_of(ask), "1 of-hands-on");
    EXPECT_TRUE(holds("systemctl is-active hands-on.service"));
}

TEST_F(HandedOnDescriptors, WhatAMachineStoresIsThereAgainAfterARestart) {
    if (systemd_version() < 254)
        GTEST_SKIP() << "needs $FDSTORE, which systemd sets since release 254";
    make_service("keeps", "FileDescriptorStoreMax=4 NotifyAccess=all",
                 "import os, socket, time\n"
                 "if 'LISTEN_FDS' in os.environ:\n"
                 "    said = os.environ['LISTEN_FDS'] + ' ' + os.pread(3, 99, 0).decode()\n"
                 "else:\n"
                 "    kept = os.memfd_create('kept')\n"
                 "    os.write(kept, b'of the first')\n"
                 "    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                 "    manager.connect(os.environ['NOTIFY_SOCKET'])\n"
                 "    socket.send_fds(manager, [b'FDSTORE=1\\nFDNAME=mine'], [kept])\n"
                 "    said = 'stored'\n"
                 "with open('/srv/handed/said', 'w') as file:\n"
                 "    file.write(said)\n"
                 "time.sleep(3600)\n");
    const auto said = [] { return sh("cat /srv/handed/said").output; };

    ASSERT_TRUE(holds("systemctl start keeps.service")) << sh("journalctl -b -n 30 -o cat -u keeps").output;
    ASSERT_TRUE(eventually([&] { return said() == "stored"; }, 30s));
    ASSERT_TRUE(
        eventually([] { return output_of("systemctl show -P NFileDescriptorStore keeps.service") == "1"; }, 30s));
    ASSERT_TRUE(holds("systemctl restart keeps.service"));

    EXPECT_TRUE(eventually([&] { return said() == "1 of the first"; }, 30s)) << said();
}

} // namespace machinist::test
