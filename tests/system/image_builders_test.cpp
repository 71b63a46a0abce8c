// SPDX-License-Identifier: LGPL-2.1-or-later
// What builds and changes images by a command in a tree: the command lines of its sources.
#include "system/under_systemds_names.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::AllOf;
using testing::ContainsRegex;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;

namespace {

const std::string tree = "/var/lib/machines/web";

} // namespace

class ImageBuilders : public UnderSystemdsNames {};

TEST_F(ImageBuilders, DebosRunsACommandWithoutAnyBus) {
    ASSERT_TRUE(holds("mkdir -p /srv/scratch && echo recipe >/srv/scratch/in"));

    const Outcome outcome = sh("DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent systemd-nspawn -q --resolv-conf=off "
                               "--timezone=off --register=no --machine=debos-$RANDOM --keep-unit --console=pipe "
                               "--setenv ARTIFACTDIR=out --bind /srv/scratch -D " +
                               tree + " sh -c 'echo $ARTIFACTDIR; cat /srv/scratch/in; exit 3'");

    EXPECT_EQ(outcome.status, 3);
    EXPECT_EQ(outcome.output, "out\nrecipe\n") << outcome.errors;
}

TEST_F(ImageBuilders, DebosWorksOnSeveralTreesOfOneNameAtOnce) {
    const Outcome outcome =
        sh("for i in 1 2 3; do mkdir -p /srv/$i/root /tmp/$i/upper /tmp/$i/work && "
           "mount -t overlay -o lowerdir=" +
           tree +
           ",upperdir=/tmp/$i/upper,workdir=/tmp/$i/work overlay /srv/$i/root || exit; done; "
           "for i in 1 2 3; do systemd-nspawn -q --resolv-conf=off --timezone=off --register=no "
           "--keep-unit --console=pipe -D /srv/$i/root sh -c \"sleep 1; echo $i >/srv/was\" & done; wait; "
           "for i in 1 2 3; do cat /srv/$i/root/srv/was; umount /srv/$i/root; done");

    EXPECT_EQ(outcome.output, "1\n2\n3\n") << outcome.errors;
}

TEST_F(ImageBuilders, MockRunsItsCommandBesideAnInitAndReadsTheMachinesGroup) {
    const std::string id = "0123456789abcdef0123456789abcdef";
    const Outcome outcome = sh(
        "rm -f /srv/go; mkdir -p /srv; export SYSTEMD_NSPAWN_TMPFS_TMP=0 SYSTEMD_SECCOMP=0; /usr/bin/systemd-nspawn "
        "-q -M " +
        id + " -D " + tree +
        " -a --capability=cap_ipc_lock --bind=/dev/fuse --bind=/dev/loop-control --bind=/dev/loop0 --bind=/srv "
        "--resolv-conf=off --console=pipe --chdir=/usr/share --setenv=TERM=vt100 --setenv=SHELL=/bin/bash "
        "--setenv=HOME=/root --setenv=LANG=C.UTF-8 --setenv=TMPDIR=/tmp /bin/sh -c "
        "'pwd; echo $PPID $TMPDIR; stat -c %t:%T /dev/loop0; grep -c \" /tmp \" /proc/self/mounts; "
        "while [ ! -e /srv/go ]; do sleep 0.1; done; exit 9' & "
        "for i in $(seq 300); do unit=$(machinectl show --property=Unit " +
        id +
        ") && break; sleep 0.1; done; "
        "echo $unit; grep populated /sys/fs/cgroup/machine.slice/$(echo $unit | cut -d = -f 2)/payload/cgroup.events; "
        "touch /srv/go; wait $!");

    EXPECT_EQ(outcome.status, 9) << outcome.errors;
    EXPECT_THAT(outcome.output, AllOf(HasSubstr("/usr/share\n1 /tmp\n7:0\n0\n"),
                                      HasSubstr("Unit=machine-" + id + ".scope\npopulated 1\n")));
}

TEST_F(ImageBuilders, ArchNspawnBuildsInItsTree) {
    const Outcome outcome =
        sh("mkdir -p /srv/cache /srv/start /srv/dest && chmod 777 /srv/dest && "
           "setarch \"$(uname -m)\" systemd-nspawn --quiet --directory=" +
           tree +
           " --setenv=PATH=/usr/local/sbin:/usr/local/bin:/usr/bin --register=no --slice=devtools-root "
           "--machine=arch-nspawn-$RANDOM --as-pid2 --console=autopipe --timezone=off --bind=/srv/cache "
           "--bind-ro=/srv/cache:/etc/keys --bind=/srv/start:/startdir --bind=/srv/dest:/srcdest "
           "--tmpfs=/tmp:size=10%,mode=1777 --user=games --chdir=/startdir "
           "sh -c 'pwd; id -un; grep -o \"/devtools[^ ]*slice/\" /proc/self/cgroup; echo built >/srcdest/package'; "
           "cat /srv/dest/package");

    EXPECT_THAT(outcome.output, AllOf(HasSubstr("/startdir\ngames\n"), EndsWith("built\n"))) << outcome.errors;
}

TEST_F(ImageBuilders, DebspawnsCommandLineBuildsAsItsUser) {
    const Outcome outcome =
        sh("mkdir -p /srv/build /srv/apt && chmod 777 /srv/build && systemd-nspawn -M host-abcdefghijkl --register=no "
           "-a --timezone=copy "
           "--system-call-filter '@memlock @pkey @clock @cpu-emulation' -E DEBSPAWN=1 --chdir=/srv/build "
           "--link-journal=no "
           "--bind=/srv/apt:/var/cache/apt/archives/ --bind=/srv/build:/srv/build/ -u games --private-network -qD " +
           tree + " sh -c 'pwd; id -un; ls /sys/class/net; echo $DEBSPAWN'");

    EXPECT_EQ(outcome.output, "/srv/build\r\ngames\r\nlo\r\n1\r\n") << outcome.errors;
}

TEST_F(ImageBuilders, DebspawnGivesDevicesAndProcWhenAsked) {
    const Outcome outcome =
        sh("mkdir -p /boot; systemd-nspawn -M host-abcdefghijkm --register=no -a --bind /dev --console=pipe "
           "'--property=DeviceAllow=block-* rw' '--property=DeviceAllow=char-* rw' --bind /proc "
           "--bind-ro /boot/ --capability CAP_SYS_ADMIN,CAP_MKNOD --timezone=copy --chdir=/srv "
           "--link-journal=no -qD " +
           tree + " sh -c 'head -c 1 /dev/loop-control; stat -c %t:%T /dev/loop7; pwd'");

    EXPECT_THAT(outcome.output, HasSubstr("7:7\n/srv\n")) << outcome.errors;
}

TEST_F(ImageBuilders, LeappKeepsTheUnitItIsIn) {
    const Outcome outcome =
        sh("systemd-nspawn --register=no --quiet --keep-unit --capability=all -D " + tree +
           " --bind=/etc/hostname:/etc/hostname.leapp --setenv=LEAPP_UPGRADE=1 sh -c 'grep CapEff /proc/self/status; "
           "test -e /etc/hostname.leapp && echo $LEAPP_UPGRADE'; machinectl --no-legend");

    EXPECT_THAT(outcome.output, MatchesRegex("CapEff:.*\r?\n1\r?\n")) << outcome.errors;
}

TEST_F(ImageBuilders, ObsBuildKillsByMachinectl) {
    const Outcome outcome =
        sh("systemd-nspawn -D " + tree +
           " -M obsbuild.web --private-network --pipe sh -c "
           "'echo started; sleep 600' & for i in $(seq 300); do machinectl show -p Leader obsbuild.web && break; "
           "sleep 0.1; done; machinectl terminate obsbuild.web; wait $!");

    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.output, ContainsRegex("Leader=[0-9]+")) << outcome.errors;
    EXPECT_TRUE(ends("obsbuild.web"));
}

TEST_F(ImageBuilders, GenpackWritesToItsLayerAndNotToWhatLiesBelow) {
    const Outcome outcome =
        sh("mkdir -p /tmp/layer /srv/cache && echo ebuild >/srv/cache/recipe && systemd-nspawn -q --suppress-sync=true "
           "-M genpack-x86_64 -D " +
           tree +
           " --overlay=+/:/tmp/layer:/ --bind=/srv/cache:/var/cache/genpack --bind-ro=/srv/cache:/mnt/ro "
           "--capability=CAP_MKNOD,CAP_SYS_ADMIN -E GENPACK=1 sh -c 'cat /var/cache/genpack/recipe >/etc/built; "
           "mkdir /opt/of-machine; rm /etc/debian_version; echo $GENPACK' && cat /tmp/layer/etc/built && "
           "ls /tmp/layer/opt && test -c /tmp/layer/etc/debian_version && ls " +
           tree + "/etc/debian_version " + tree + "/etc/built");

    EXPECT_EQ(outcome.output, "1\r\nebuild\nof-machine\n" + tree + "/etc/debian_version\n") << outcome.errors;
    (void)sh("rm -rf /tmp/layer");
}

TEST_F(ImageBuilders, MkosiRunsACommandInItsImage) {
    const Outcome outcome =
        sh("mkdir -p /srv/source && echo code >/srv/source/main.c && systemd-nspawn --quiet --link-journal=no "
           "--suppress-sync=yes "
           "--private-network --settings=trusted --rlimit=RLIMIT_CORE=0:infinity --console=autopipe "
           "--machine image --set-credential=agetty.autologin:root --register no --directory " +
           tree + " --bind /srv/source:/root/src:norbind,noidmap -- cat /root/src/main.c");

    EXPECT_EQ(outcome.output, "code\n") << outcome.errors;
    EXPECT_EQ(outcome.status, 0);
}

TEST_F(ImageBuilders, AnsiblesConnectionCopiesThroughAPipe) {
    const std::string nspawn = "/usr/bin/systemd-nspawn --directory " + tree +
                               " --user root --quiet --as-pid2 --pipe --register=no --hostname=target --machine=target "
                               "--resolv-conf=off --timezone=off --link-journal=no ";
    const Outcome outcome =
        sh("head -c 300000 /dev/urandom >/tmp/module && " + nspawn +
           "/bin/sh -c 'dd of=/root/module bs=65536 && hostname' </tmp/module && " + nspawn +
           "/bin/sh -c 'dd if=/root/module bs=65536; rm /root/module' >/tmp/again && cmp /tmp/module /tmp/again");

    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_EQ(outcome.output, "target\n");
}

TEST_F(ImageBuilders, BakersBootWithoutInputAndReadTheStatus) {
    const Outcome outcome = sh("SYSTEMD_NSPAWN_LOCK=0 systemd-nspawn -D " + tree +
                               " --boot --ephemeral --register=no --capability=all --machine=baker --resolv-conf=off "
                               "--timezone=off systemd.unit=poweroff.target </dev/null");

    EXPECT_EQ(outcome.status, 0) << outcome.output << outcome.errors;
}

} // namespace machinist::test
