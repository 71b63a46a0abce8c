// SPDX-License-Identifier: LGPL-2.1-or-later
// Container Interface G, I, J, K, L: who the machine is, and its share of network, cgroups, users, logs.
#include "namespaces/container_interface.hpp"

#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist::test {

using testing::AllOf;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsSupersetOf;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class TheMachine : public TheContainerInterface {};

EVERY_WAY(TheMachine);

TEST_P(TheMachine, G1_HasTheIdOfItsImage) {
    tree.file("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    boot({"--uuid=6f3ab12a-3c4d-4e5f-8a9b-0c1d2e3f4a5b"});

    EXPECT_EQ(ask("getenv container_uuid"), "01234567-89ab-cdef-0123-456789abcdef");
    EXPECT_EQ(ask("cat /run/host/container-uuid"), "01234567-89ab-cdef-0123-456789abcdef\n");
    EXPECT_THAT(machinist({"show", machine().name()}).output, HasSubstr("0123456789abcdef0123456789abcdef"));
}

TEST_P(TheMachine, G2_GetsAnIdAndItsImageStaysAsItIs) {
    for (const char* text : {"", "uninitialized\n"}) {
        tree.file("etc/machine-id", text);
        boot({"--uuid=6f3ab12a-3c4d-4e5f-8a9b-0c1d2e3f4a5b"});
        EXPECT_EQ(ask("getenv container_uuid"), "6f3ab12a-3c4d-4e5f-8a9b-0c1d2e3f4a5b") << text;
        end_machine();
        EXPECT_EQ(tree.read("etc/machine-id"), text);
    }
    std::filesystem::remove(tree.path() / "etc/machine-id");
    boot();
    EXPECT_THAT(ask("getenv container_uuid"), MatchesRegex("[0-9a-f-]{36}"));
    end_machine();
    EXPECT_FALSE(tree.has("etc/machine-id"));
}

TEST_P(TheMachine, I4_HasItsLoopbackUp) {
    boot();

    EXPECT_THAT(ask("links"), HasSubstr("lo up"));
    EXPECT_EQ(ask("loopback"), "ok");
    if (GetParam().own_network) {
        EXPECT_EQ(ask("links"), "lo up");
    }
}

TEST_P(TheMachine, I5_CannotTakeTheHostsLinksForItsOwn) {
    if (GetParam().own_network)
        GTEST_SKIP() << "about machines in the host's network";
    boot();

    EXPECT_THAT(seen_mount(ask("mount-at /sys")).options, testing::Contains("ro"));
    EXPECT_EQ(ask("status CapEff").size(), 16U);
    // CAP_NET_ADMIN is bit 12.
    EXPECT_EQ(std::stoull(ask("status CapEff"), nullptr, 16) >> 12 & 1, 0U);
}

TEST_P(TheMachine, I7_LetsItsUsersPing) {
    if (!GetParam().own_network || !GetParam().own_users)
        GTEST_SKIP() << "the range of groups is set with users and network of its own only";
    boot();

    EXPECT_EQ(ask("cat /proc/sys/net/ipv4/ping_group_range"), "0\t65535\n");
    EXPECT_EQ(ask("as 1000 ping-socket"), "ok");
}

TEST_P(TheMachine, J4_MaySplitItsCgroupButNotChangeItsLimits) {
    boot();

    EXPECT_EQ(ask("mkdir /sys/fs/cgroup/a.slice"), "ok");
    EXPECT_EQ(ask("mkdir /sys/fs/cgroup/a.slice/b.service"), "ok");
    EXPECT_EQ(ask("write /sys/fs/cgroup/a.slice/b.service/cgroup.procs 1"), "ok");
    EXPECT_THAT(ask("stat /sys/fs/cgroup"), HasSubstr("0:0"));
    EXPECT_THAT(ask("stat /sys/fs/cgroup/cgroup.procs"), HasSubstr(" 0:0 0:0"));
    EXPECT_THAT(ask("stat /sys/fs/cgroup/cgroup.subtree_control"), HasSubstr(" 0:0 0:0"));
    EXPECT_THAT(ask("stat /sys/fs/cgroup/cgroup.threads"), HasSubstr(" 0:0 0:0"));
}

TEST_P(TheMachine, J4_MayNotKillWhatIsBesideIt) {
    boot();

    EXPECT_EQ(ask("stat /sys/fs/cgroup/../../cgroup.kill"), "!ENOENT");
    // Without users of its own, a limit is protected by the host's mount option only.
    if (GetParam().own_users || of_host("/proc/self/mountinfo").find("nsdelegate") != std::string::npos) {
        EXPECT_THAT(ask("write /sys/fs/cgroup/cgroup.max.descendants 1"), AnyOf("!EACCES", "!EPERM", "!ENOENT"));
    }
}

TEST_P(TheMachine, J5_SeesItsCgroupAsTheRoot) {
    boot();

    EXPECT_THAT(ask("cat /proc/1/cgroup"), HasSubstr("0::/\n"));
    EXPECT_THAT(of_host("/proc/" + std::to_string(machine().leader()) + "/cgroup"), HasSubstr("payload"));
}

TEST_P(TheMachine, K1_HasAllIdsThatADistributionUses) {
    boot();

    EXPECT_EQ(ask("as 65534 create /tmp/of-nobody"), "ok");
    EXPECT_EQ(ask("stat /tmp/of-nobody"), "reg 0644 0:0 65534:65534");
    EXPECT_EQ(ask("create /etc/file"), "ok");
    EXPECT_EQ(ask("chown /etc/file 65534 1000"), "ok");
    EXPECT_EQ(ask("stat /etc/file"), "reg 0644 0:0 65534:1000");
    if (GetParam().own_users) {
        EXPECT_THAT(ask("cat /proc/self/uid_map"), MatchesRegex(" +0 +[0-9]+ +65536\n"));
        EXPECT_EQ(ask("cat /proc/self/uid_map"), ask("cat /proc/self/gid_map"));
    }
}

TEST_P(TheMachine, K2_HasAnAlignedRangeOfItsOwn) {
    if (!GetParam().own_users)
        GTEST_SKIP() << "about machines with users of their own";
    boot();
    unsigned long inside = 0, base = 0, size = 0;
    const std::string map = of_host("/proc/" + std::to_string(machine().leader()) + "/uid_map");
    ASSERT_EQ(std::sscanf(map.c_str(), "%lu %lu %lu", &inside, &base, &size), 3);

    EXPECT_EQ(base % 65536, 0U);
    EXPECT_GE(base, 524288U);
    EXPECT_LE(base, 1878982656U);
}

TEST_P(TheMachine, K3_SharesNoIdsWithAnother) {
    if (!GetParam().own_users)
        GTEST_SKIP() << "about machines with users of their own";
    boot({"--ephemeral"});
    const std::string first = ask("cat /proc/self/uid_map");

    boot({"--ephemeral"});

    EXPECT_NE(ask("cat /proc/self/uid_map"), first);
}

TEST_P(TheMachine, K4_OwnsItsTreeWithoutAChangeOnDisk) {
    tree.file("etc/of-a-person", "x");
    ASSERT_EQ(::chown((tree.path() / "etc/of-a-person").c_str(), 1000, 1001), 0);
    boot();

    EXPECT_EQ(ask("stat /etc/passwd"), "reg 0644 0:0 0:0");
    EXPECT_EQ(ask("stat /etc/of-a-person"), "reg 0644 0:0 1000:1001");
    EXPECT_EQ(ask("create /etc/new"), "ok");
    EXPECT_EQ(ask("as 1000 create /tmp/x"), "ok");
    struct stat status {};
    ASSERT_EQ(::stat((tree.path() / "etc/new").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 0U);
    ASSERT_EQ(::stat((tree.path() / "etc/of-a-person").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 1000U);
}

TEST_P(TheMachine, K8_MayMountItsOwnProcAndSys) {
    tree.directory("mnt");
    boot();

    EXPECT_EQ(ask("unshared pid child mount proc proc /mnt"), "ok");
    if (GetParam().own_network || !GetParam().own_users) {
        EXPECT_THAT(ask("mount sysfs sysfs /mnt"), AnyOf("ok", "!EPERM"));
    }
}

TEST_P(TheMachine, L1_HasTheHostsTimeZoneAsARelativeLink) {
    if (!std::filesystem::is_symlink("/etc/localtime"))
        GTEST_SKIP() << "the host's /etc/localtime is no link";
    std::string zone = std::filesystem::read_symlink("/etc/localtime").string();
    const auto at = zone.find("zoneinfo/");
    ASSERT_NE(at, std::string::npos);
    tree.file("usr/share/" + zone.substr(at), "TZif");
    boot();

    EXPECT_EQ(ask("readlink /etc/localtime"), "../usr/share/" + zone.substr(at));
}

TEST_P(TheMachine, L2_JournalDirectoryOfTheHostIsBoundIfItIsThere) {
    tree.file("etc/machine-id", "00000000000000000000000abcdef123\n");
    const Path of_the_host = "/var/log/journal/00000000000000000000000abcdef123";
    const bool had_parent = std::filesystem::exists(of_the_host.parent_path());
    std::filesystem::create_directories(of_the_host);
    boot({"--link-journal=auto"});

    EXPECT_EQ(ask("create /var/log/journal/00000000000000000000000abcdef123/x.journal"), "ok");
    EXPECT_TRUE(std::filesystem::exists(of_the_host / "x.journal"));
    end_machine();
    std::filesystem::remove_all(had_parent ? of_the_host : of_the_host.parent_path());
}

TEST_P(TheMachine, G4_RefusesToLinkTheJournalOfTheHostsOwnId) {
    const std::string id = of_host("/etc/machine-id");
    if (id.size() < 32)
        GTEST_SKIP() << "the host has no machine id";
    tree.file("etc/machine-id", id);

    const Outcome outcome = outcome_of(as_this_way({"--link-journal=host"}, {"/probe", "--ask", "hostname"}));

    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.errors, HasSubstr("journal"));
}

} // namespace machinist::test
