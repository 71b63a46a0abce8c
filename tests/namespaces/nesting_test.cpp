// SPDX-License-Identifier: LGPL-2.1-or-later
// A machine in which the managers of machines and containers run that its Debian has, and ours.
#include "namespaces/debian.hpp"
#include "namespaces/disk_images.hpp"
#include "unit/temporary_directory.hpp"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace fs = std::filesystem;

namespace machinist::test {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string manager_of(const std::string& suite) {
    return "nesting-" + suite;
}

// Where machinist and its programs lie.
fs::path build_directory() {
    return fs::path{MACHINIST_PROGRAM}.parent_path().parent_path().parent_path();
}

std::vector<std::string> options_of(const std::string& suite, const std::vector<std::string>& more) {
    std::vector<std::string> options{"--private-users=pick", "--private-network",
                                     // podman puts no layers above ours.
                                     "--tmpfs=/var/lib/containers",
                                     "--bind-ro=" + build_directory().string() + ":/srv/build:idmap",
                                     "--bind-ro=" + Debian::tree_of("busybox").string() + ":/srv/busybox:idmap",
                                     "--bind-ro=" + Debian::tree_of(suite).string() + ":/srv/tree:idmap"};
    options.insert(options.end(), more.begin(), more.end());
    return options;
}

constexpr const char* ours = "/srv/build/src/cli/machinist ";
// A tree without systemd is taken for one that needs control groups of version 1 by systemd 252. The mount of
// /run/host/nesting is for those that leave the tree they came from before they mount /proc.
constexpr const char* nspawn = "UNIFIED_CGROUP_HIERARCHY=1 systemd-nspawn -q --register=no --keep-unit --timezone=off "
                               "--bind=/run/host/nesting ";
// The machine below may have no controllers to limit the number of processes with.
constexpr const char* podman = "podman run --rm --network=none --pids-limit=0 ";

// It takes no mount for a root of its own.
constexpr const char* copy_a_tree = "mkdir -p /root/t && tar -C /srv/busybox --exclude=./dev -c . | tar -C /root/t -x";

} // namespace

class AMachineForMachines : public ::testing::TestWithParam<const char*> {
protected:
    void SetUp() override {
        for (const std::string& tree : {manager_of(GetParam()), std::string{GetParam()}, std::string{"busybox"}})
            if (!Debian::has_tree(tree))
                GTEST_SKIP() << "needs the tree '" << tree << "', which tests/run makes";
    }
    static Debian boot(const std::vector<std::string>& more) {
        return Debian{manager_of(GetParam()), options_of(GetParam(), more)};
    }
    static void expect_said(const Outcome& outcome, const std::string& text) {
        EXPECT_EQ(outcome.status, 0) << outcome.errors;
        EXPECT_THAT(outcome.output, HasSubstr(text)) << outcome.errors;
    }
};

TEST_P(AMachineForMachines, RunsMachinist) {
    const Debian machine = boot({"--nesting"});

    // Users of its own out of what the machine has, for a layer above a whole Debian and for a tree that it changes.
    expect_said(
        machine.sh(ours + std::string{"run -q -D /srv/tree -x --private-users=pick cat /proc/self/uid_map"}, 120s),
        "65536");
    expect_said(machine.sh("mkdir /root/t && cp -a /srv/busybox/bin /srv/busybox/usr /root/t 2>/dev/null;"
                           "mkdir -p /root/t/etc && " +
                               std::string{ours} +
                               "run -q -D /root/t --private-users=pick --private-users-ownership=chown"
                               " /bin/busybox cat /proc/self/uid_map && stat -c owner=%u /root/t",
                           120s),
                "owner=");
    // With a link of its own into the network of the machine that it runs in.
    expect_said(
        machine.sh(ours + std::string{"run -q -D /srv/tree -x --private-users=pick -n ip -o link show host0"}, 120s),
        "host0");
    EXPECT_THAT(machine.sh("ip -o link").output, Not(HasSubstr("ve-")));
    EXPECT_THAT(machine.sh("test $(stat -c %u /root/t) -ge 524288 && echo moved").output, HasSubstr("moved"));
}

// A whole Debian with its systemd, and an init that tells nothing.
TEST_P(AMachineForMachines, BootsMachinesOfOurs) {
    const Debian machine = boot({"--nesting"});

    for (const std::string tree : {"tree", "busybox"}) {
        // It is known a moment after its program was started; nobody waits for a name before.
        const Outcome booted = machine.sh("setsid " + std::string{ours} + "run -b -D /srv/" + tree +
                                              " -x --private-users=pick -M inner --console=read-only </dev/null "
                                              ">/run/console 2>&1 & for try in $(seq 200); do " +
                                              ours +
                                              "wait inner --for=ready --timeout=120 && echo is ready && break; "
                                              "sleep 0.3; done",
                                          300s);
        ASSERT_THAT(booted.output, HasSubstr("is ready"))
            << tree << ": " << booted.errors << machine.sh("cat /run/console").output;
        expect_said(machine.sh(ours + std::string{"exec inner -- /bin/sh -c 'echo pid 1 is $(cat /proc/1/comm)'"}),
                    tree == "tree" ? "pid 1 is systemd" : "pid 1 is init");
        expect_said(machine.sh(ours + std::string{"list --no-legend"}), "inner");
        EXPECT_EQ(machine.sh(ours + std::string{"poweroff inner --wait --timeout=120"}, 150s).status, 0)
            << machine.sh("cat /run/console").output;
        EXPECT_NE(machine.sh("test -e /run/systemd/machines/inner").status, 0);
    }
}

TEST_P(AMachineForMachines, RunsSystemdNspawn) {
    const Debian machine = boot({"--nesting"});
    ASSERT_EQ(machine.sh(copy_a_tree, 120s).status, 0);

    expect_said(machine.sh(nspawn + std::string{"-D /root/t --read-only /bin/busybox echo inside"}, 120s), "inside");
    expect_said(machine.sh(nspawn + std::string{"-D /root/t /bin/busybox sh -c 'echo kept >/left; cat /left'"}, 120s),
                "kept");
    expect_said(machine.sh("cat /root/t/left"), "kept");
}

TEST_P(AMachineForMachines, RunsPodman) {
    const Debian machine = boot({"--nesting"});

    const Outcome made = machine.sh("tar -C /srv/busybox -c bin | podman import - bb", 120s);
    EXPECT_EQ(made.status, 0) << made.errors;
    expect_said(machine.sh(podman + std::string{"bb /bin/busybox echo inside"}, 120s), "inside");
    // With users of its own, too.
    expect_said(
        machine.sh(podman + std::string{"--uidmap=0:524288:65536 bb /bin/busybox cat /proc/self/uid_map"}, 120s),
        "524288");
}

TEST_P(AMachineForMachines, RunsWhatIsExportedByPodman) {
    const machinist::testing::TemporaryDirectory place;
    const std::string outside = place.path().string();
    shell("mkdir -p " + outside + "/images/bb " + outside + "/out && tar -C " + Debian::tree_of("busybox").string() +
          " --exclude=./dev -c . | tar -C " + outside + "/images/bb -x && echo exported >" + outside +
          "/images/bb/etc/mark");
    const auto exported = [&](const std::string& verb, const std::string& file, const std::string& format) {
        const Outcome outcome = run(MACHINIST_PROGRAM, {verb, "bb", outside + "/out/" + file, "--format=" + format,
                                                        "--image-root=" + outside + "/images"});
        EXPECT_EQ(outcome.status, 0) << file << outcome.errors;
    };
    exported("export-oci", "plain.oci", "uncompressed");
    exported("export-oci", "packed.oci", "zstd");
    exported("export-tar", "bb.tar.gz", "gzip");
    shell("chmod -R a+rX " + outside);

    const Debian machine = boot({"--nesting", "--bind-ro=" + outside + "/out:/srv/out"});

    for (const std::string file : {"plain", "packed"}) {
        expect_said(machine.sh("podman load -q -i /srv/out/" + file + ".oci", 120s), "oaded image");
        // It has no name but the number that its configuration gives it.
        expect_said(
            machine.sh(podman + std::string{"$(podman images -q | head -n 1) /bin/busybox cat /etc/mark"}, 120s),
            "exported");
        EXPECT_EQ(machine.sh("podman rmi -a", 120s).status, 0);
    }
    const Outcome made = machine.sh("podman import - from-tar </srv/out/bb.tar.gz", 120s);
    EXPECT_EQ(made.status, 0) << made.errors;
    expect_said(machine.sh(podman + std::string{"from-tar /bin/busybox cat /etc/mark"}, 120s), "exported");
}

// What the switch opens is of use inside, and of none against the host.
TEST_P(AMachineForMachines, HasNoMoreRightsOnTheHost) {
    const Debian machine = boot({"--nesting"});

    for (const char* file : {"proc/sys/kernel/core_pattern", "proc/sys/vm/drop_caches", "sys/kernel/uevent_helper"})
        EXPECT_NE(machine.sh("echo 0 > /run/host/nesting/" + std::string{file}).status, 0) << file;
    EXPECT_NE(machine.sh("mknod /root/null c 1 3").status, 0);
    EXPECT_NE(machine.sh("runuser -u nobody -- ls /run/host/nesting").status, 0);
}

TEST_P(AMachineForMachines, IsNoneWithoutTheSwitch) {
    const Debian machine = boot({});

    EXPECT_NE(machine.sh(ours + std::string{"run -q -D /srv/tree -x --private-users=pick true"}).status, 0);
    ASSERT_EQ(machine.sh(copy_a_tree, 120s).status, 0);
    EXPECT_NE(machine.sh(nspawn + std::string{"-D /root/t --read-only /bin/busybox true"}).status, 0);
    EXPECT_EQ(machine.sh("tar -C /srv/busybox -c bin | podman import - bb", 120s).status, 0);
    // Without users of its own it gets by.
    EXPECT_NE(machine.sh(podman + std::string{"--uidmap=0:524288:65536 bb /bin/busybox true"}, 120s).status, 0);
}

INSTANTIATE_TEST_SUITE_P(Releases, AMachineForMachines, ::testing::Values("bookworm", "trixie"),
                         [](const auto& param) { return std::string{param.param}; });

} // namespace machinist::test
