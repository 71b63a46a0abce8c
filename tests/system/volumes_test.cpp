// SPDX-License-Identifier: LGPL-2.1-or-later
// Volumes of systemd's own storage provider in machines, and what a virtual machine is told of them by ours and by the
// genuine machinectl.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

namespace {

using testing::HasSubstr;

class AVolume : public WithOurProvider {
protected:
    // The root of the host is an overlay, whose owners cannot be mapped.
    void SetUp() override {
        WithOurProvider::SetUp();
        if (IsSkipped())
            return;
        if (!holds("test -x /usr/lib/systemd/systemd-storage-fs"))
            GTEST_SKIP() << "systemd has storage providers since 261";
        ASSERT_TRUE(holds("mkdir -p /var/lib/storage && mount -t tmpfs -o mode=0755 tmpfs /var/lib/storage && "
                          "systemctl start systemd-storage-fs.socket"));
    }
    void TearDown() override {
        WithOurProvider::TearDown();
        EXPECT_TRUE(eventually(
            [] {
                return holds("systemctl stop systemd-storage-fs.socket 'systemd-storage-fs@*'; "
                             "! mountpoint -q /var/lib/storage || umount /var/lib/storage");
            },
            30s));
    }
};

class AVolumeOfAContainer : public AVolume {
protected:
    void SetUp() override {
        AVolume::SetUp();
        if (IsSkipped())
            return;
        if (!holds("test -d /var/lib/machines/busy"))
            GTEST_SKIP() << "needs the tree busybox; tests/run makes it";
        if (!holds(R"sh(printf '6.15\n%s\n' "$(uname -r)" | sort -CV)sh"))
            GTEST_SKIP() << "before Linux 6.15 what has no place yet cannot be bound";
        ASSERT_TRUE(holds("systemctl start machinist@busy && machinist wait --for=ready --timeout=30 busy"));
    }
    static std::string inside(const std::string& command) {
        return output_of("machinist exec busy -- /bin/sh -c '" + command + "'");
    }
};

// Writes down each call: what was asked, and what kinds of files came along.
constexpr const char* played_instance = R"(
import json, os, socket, stat, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
while True:
    caller, _ = server.accept()
    got, files = b'', []
    while not got.endswith(b'\0'):
        part, descriptors, _, _ = socket.recv_fds(caller, 65536, 4)
        if not part:
            break
        got += part
        files += [stat.filemode(os.fstat(one).st_mode)[0] for one in descriptors]
        for one in descriptors:
            os.close(one)
    if got.endswith(b'\0'):
        call = json.loads(got[:-1])
        with open(sys.argv[2], 'a') as log:
            given = {key: value for key, value in call.get('parameters', {}).items() if value is not None}
            log.write(json.dumps([call['method'], given, files], sort_keys=True) + '\n')
        caller.sendall(b'{"parameters":{}}\0')
)";

class AVolumeOfAVirtualMachine : public AVolume {
protected:
    void SetUp() override {
        AVolume::SetUp();
        if (IsSkipped())
            return;
        ASSERT_TRUE(holds(std::string{"cat >/tmp/instance.py <<'PROGRAM'\n"} + played_instance + "PROGRAM\n"));
        ASSERT_TRUE(holds("rm -f /run/played.vm /tmp/told; "
                          "systemd-run --quiet --unit=runs-vm python3 /tmp/instance.py /run/played.vm /tmp/told"));
        ASSERT_TRUE(eventually([] { return holds("test -S /run/played.vm"); }, 30s));
        const Outcome registered =
            sh("varlinkctl call /run/systemd/machine/io.systemd.Machine io.systemd.Machine.Register "
               "\"{\\\"name\\\":\\\"played\\\",\\\"class\\\":\\\"vm\\\",\\\"controlAddress\\\":\\\"/run/played.vm\\\","
               "\\\"leader\\\":$(systemctl show -P MainPID runs-vm)}\"");
        ASSERT_EQ(registered.status, 0) << registered.errors;
    }
    static std::string told_by(const std::string& program, const std::string& words) {
        (void)sh("rm -f /tmp/told");
        const Outcome outcome = sh(program + " " + words);
        EXPECT_EQ(outcome.status, 0) << program << ": " << outcome.errors;
        return output_of("cat /tmp/told");
    }
};

} // namespace

TEST_F(AVolumeOfAContainer, IsTheMachinesUntilItIsTakenAway) {
    const Outcome bound = sh("machinist bind-volume --mkdir busy fs:data:/srv/data");
    ASSERT_EQ(bound.status, 0) << bound.errors;

    EXPECT_EQ(inside("stat -c %u:%g /srv/data; echo text >/srv/data/file; chown 33:33 /srv/data/file"), "0:0");
    EXPECT_EQ(output_of("stat -c %u:%g /var/lib/storage/data.volume/root/file"), "2147352609:2147352609");
    EXPECT_THAT(sh("machinist bind-volume busy fs:data:/srv").errors,
                HasSubstr("has volume 'fs:data' on '/srv/data'; try 'machinist unbind-volume' before"));
    EXPECT_EQ(sh("machinist unbind-volume busy fs:data").errors, "");
    EXPECT_EQ(inside("ls /srv/data"), "");
    EXPECT_THAT(sh("machinist unbind-volume busy fs:data").errors, HasSubstr("has no volume 'fs:data'"));
}

TEST_F(AVolumeOfAContainer, CanBeReadOnly) {
    ASSERT_TRUE(holds("machinist bind-volume --mkdir busy fs:data:/srv/data && machinist unbind-volume busy fs:data"));

    const Outcome bound = sh("machinist bind-volume busy fs:data:/srv/data:ro=yes,create=open");

    ASSERT_EQ(bound.status, 0) << bound.errors;
    EXPECT_EQ(inside("touch /srv/data/file 2>/dev/null || echo refused"), "refused");
}

TEST_F(AVolumeOfAContainer, IsRefusedInWords) {
    EXPECT_THAT(sh("machinist bind-volume busy fs:none:/srv:create=open").errors,
                HasSubstr("volume 'fs:none': there is no such volume"));
    EXPECT_THAT(sh("machinist bind-volume busy none:data:/srv").errors,
                HasSubstr("this host has no such storage provider"));
    EXPECT_THAT(sh("machinist bind-volume busy fs:data").errors,
                HasSubstr("volume 'fs:data' needs a place in the machine"));
    EXPECT_THAT(sh("machinist bind-volume busy fs:disk:/srv:request-as=reg,size=1M").errors,
                HasSubstr("containers get directories"));
    EXPECT_EQ(output_of("ls /var/lib/storage"), "");
}

TEST_F(AVolumeOfAVirtualMachine, IsToldAsTheGenuineMachinectlTellsIt) {
    for (const char* words : {"bind-volume played fs:disk::size=1M,request-as=reg",
                              "bind-volume played fs:disk:nvme:request-as=reg,ro=yes", "unbind-volume played fs:disk"})
        EXPECT_EQ(told_by("machinist", words), told_by("machinectl", words)) << words;
}

} // namespace machinist::test
