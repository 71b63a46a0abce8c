// SPDX-License-Identifier: LGPL-2.1-or-later
// Images in and out by the genuine clients of the release, with machinistd as the provider of import1.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::AllOf;
using testing::HasSubstr;

class TheTransfers : public OnAHost {
protected:
    void SetUp() override {
        OnAHost::SetUp();
        if (IsSkipped())
            return;
        ASSERT_TRUE(holds("systemctl enable --quiet machinistd && systemctl stop systemd-machined systemd-importd; "
                          "systemctl restart machinistd"));
        ASSERT_TRUE(
            holds("test -e /tmp/small.tar || tar -C /var/lib/machines/web/etc -cf /tmp/small.tar apt os-release"));
    }
    void TearDown() override {
        OnAHost::TearDown();
        if (Host::why_not().empty())
            (void)sh(
                "chattr -R -i /var/lib/machines/small* /var/lib/machines/pulled* /var/lib/machines/.tar* 2>/dev/null; "
                "rm -rf /var/lib/machines/small* /var/lib/machines/pulled* /var/lib/machines/.tar*; "
                "systemctl disable --quiet machinistd; systemctl stop machinistd");
    }
};

TEST_F(TheTransfers, AreBegunByMachinectl) {
    const Outcome outcome = sh("machinectl import-tar /tmp/small.tar small");

    EXPECT_EQ(outcome.status, 0) << outcome.output << outcome.errors;
    EXPECT_TRUE(holds("test -d /var/lib/machines/small/apt"));
    EXPECT_EQ(output_of("readlink /proc/$(busctl status org.freedesktop.import1 | sed -n 's/^PID=//p')/exe | "
                        "xargs basename"),
              "machinistd");
    EXPECT_THAT(output_of("machinectl list-images --no-legend"), HasSubstr("small"));
    EXPECT_TRUE(holds("machinectl list-transfers"));
}

TEST_F(TheTransfers, GoOutByMachinectl) {
    ASSERT_TRUE(holds("machinectl import-tar /tmp/small.tar small"));

    const Outcome outcome = sh("machinectl export-tar small /tmp/out.tar.gz");

    EXPECT_EQ(outcome.status, 0) << outcome.output << outcome.errors;
    EXPECT_THAT(output_of("tar -tzf /tmp/out.tar.gz"), HasSubstr("./apt/"));
}

TEST_F(TheTransfers, ThatFailAreToldToMachinectl) {
    ASSERT_TRUE(holds("tar -P -C /tmp -cf /tmp/bad.tar /etc/hostname"));

    const Outcome outcome = sh("machinectl import-tar /tmp/bad.tar small");

    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.output + outcome.errors, HasSubstr("its name is absolute"));
    EXPECT_FALSE(holds("ls -d /var/lib/machines/small"));
}

TEST_F(TheTransfers, ComeFromAWebServerByMachinectl) {
    const std::string server =
        "import socket\n"
        "server = socket.create_server((\"127.0.0.1\", 8099))\n"
        "body = open(\"/tmp/small.tar\", \"rb\").read()\n"
        "while True:\n"
        "    one, _ = server.accept()\n"
        "    asked = one.recv(65536).split()[1]\n"
        "    found = asked == b\"/small.tar\"\n"
        "    one.sendall((\"HTTP/1.1 200 OK\\r\\n\" if found else \"HTTP/1.1 404 No\\r\\n\").encode() +\n"
        "        (\"Connection: close\\r\\nContent-Length: %d\\r\\n\\r\\n\" % (len(body) if found else 0)).encode() +\n"
        "        (body if found else b\"\"))\n"
        "    one.close()\n";
    ASSERT_TRUE(holds("cat >/tmp/server.py <<'END'\n" + server +
                      "END\nsystemd-run --quiet --collect --unit=small-server python3 /tmp/server.py && sleep 1"));

    const Outcome outcome = sh("machinectl pull-tar --verify=no http://127.0.0.1:8099/small.tar pulled");

    EXPECT_EQ(outcome.status, 0) << outcome.output << outcome.errors;
    EXPECT_TRUE(holds("test -d /var/lib/machines/pulled/apt"));
    (void)sh("systemctl stop small-server");
}

TEST_F(TheTransfers, AreBegunByImportctlWhereThereIsOne) {
    if (!holds("command -v importctl"))
        GTEST_SKIP() << "this release has none";

    const Outcome outcome = sh("importctl --class=machine import-tar /tmp/small.tar small");

    EXPECT_EQ(outcome.status, 0) << outcome.output << outcome.errors;
    EXPECT_THAT(output_of("importctl -m list-images --no-legend"), HasSubstr("small"));
    EXPECT_TRUE(holds("importctl list-transfers"));
}

TEST_F(TheTransfers, WakeTheService) {
    ASSERT_TRUE(holds("systemctl stop machinistd"));

    EXPECT_TRUE(holds("busctl call org.freedesktop.import1 /org/freedesktop/import1 org.freedesktop.import1.Manager "
                      "ListTransfers"));
}

TEST_F(TheTransfers, NeedNoServiceForRoot) {
    ASSERT_TRUE(holds("systemctl stop machinistd"));

    EXPECT_EQ(sh("machinist import /tmp/small.tar small").status, 0);
    EXPECT_EQ(sh("machinist export-tar small /tmp/small.tar.zst").status, 0);

    EXPECT_TRUE(holds("test -s /tmp/small.tar.zst"));
}

} // namespace machinist::test
