// SPDX-License-Identifier: LGPL-2.1-or-later
// Container Interface A: the world that init is started in.
#include "namespaces/container_interface.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <unistd.h>

namespace machinist::test {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Eq;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::MatchesRegex;
using testing::Ne;
using testing::Not;
using testing::StartsWith;

std::string of_host(const std::string& path) {
    return text_of(path);
}

Path cgroup_of(pid_t process) {
    const Path top =
        std::filesystem::exists("/sys/fs/cgroup/cgroup.procs") ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
    for (const std::string& line : words_of(of_host("/proc/" + std::to_string(process) + "/cgroup"), '\n'))
        if (line.starts_with("0::/"))
            return top / line.substr(4);
    return top;
}

std::string namespace_of_host(const std::string& kind) {
    std::error_code ignored;
    return std::filesystem::read_symlink("/proc/self/ns/" + kind, ignored).string();
}

EVERY_WAY(TheContainerInterface);

TEST_P(TheContainerInterface, A1_HostNameIsTheMachinesName) {
    boot();

    EXPECT_EQ(ask("hostname"), machine().name());
}

TEST_P(TheContainerInterface, A1_HostNameCanBeAnotherOne) {
    boot({"--hostname=somewhere"});

    EXPECT_EQ(ask("hostname"), "somewhere");
}

TEST_P(TheContainerInterface, A2_ProcShowsItsOwnProcesses) {
    boot();

    EXPECT_EQ(ask("filesystem /proc"), "proc");
    EXPECT_EQ(ask("readlink /proc/self"), "1");
}

TEST_P(TheContainerInterface, A3_SysIsReadOnly) {
    boot();

    EXPECT_THAT(seen_mount(ask("mount-at /sys")).options, Contains("ro"));
    EXPECT_THAT(ask("filesystem /sys"), AnyOf("sysfs", "tmpfs"));
    EXPECT_THAT(ask("mkdir /sys/new"), AnyOf("!EROFS", "!EPERM", "!EACCES"));
    EXPECT_THAT(ask("ls /sys/class/net"), HasSubstr("lo"));
}

TEST_P(TheContainerInterface, A4_ProcSysIsReadOnly) {
    boot();

    EXPECT_THAT(seen_mount(ask("mount-at /proc/sys")).options, Contains("ro"));
    EXPECT_THAT(ask("write /proc/sys/kernel/core_pattern core"), AnyOf("!EROFS", "!EACCES"));
}

TEST_P(TheContainerInterface, A5_ProcSysNetIsWritableWithItsOwnNetworkOnly) {
    boot();

    const std::string host_before = of_host("/proc/sys/net/ipv4/ip_forward");
    const std::string answer = ask("write /proc/sys/net/ipv4/ip_forward 1");

    EXPECT_THAT(answer, GetParam().own_network ? AnyOf("ok", "ok") : AnyOf("!EROFS", "!EACCES"));
    EXPECT_EQ(of_host("/proc/sys/net/ipv4/ip_forward"), host_before);
}

TEST_P(TheContainerInterface, A7_SelinuxOfTheHostIsSeenReadOnly) {
    if (!std::filesystem::exists("/sys/fs/selinux/enforce"))
        GTEST_SKIP() << "the host has no SELinux";
    boot();

    EXPECT_THAT(seen_mount(ask("mount-at /sys/fs/selinux")).options, Contains("ro"));
}

TEST_P(TheContainerInterface, A9_DevIsAPrivateTmpfs) {
    boot();

    EXPECT_EQ(ask("filesystem /dev"), "tmpfs");
    EXPECT_EQ(ask("create /dev/made-inside"), "ok");
    EXPECT_FALSE(std::filesystem::exists("/dev/made-inside"));
    EXPECT_FALSE(tree.has("dev/made-inside"));
}

TEST_P(TheContainerInterface, A10_DeviceNodesAreTheRightOnes) {
    boot();

    for (const auto& [name, device] : {std::pair{"null", "1:3"},
                                       {"zero", "1:5"},
                                       {"full", "1:7"},
                                       {"random", "1:8"},
                                       {"urandom", "1:9"},
                                       {"tty", "5:0"}})
        EXPECT_THAT(ask(std::string{"stat /dev/"} + name), MatchesRegex("chr 0666 " + std::string{device} + " .*"))
            << name;
    EXPECT_EQ(ask("readlink /dev/ptmx"), "pts/ptmx");
    EXPECT_EQ(ask("readlink /dev/fd"), "/proc/self/fd");
    EXPECT_EQ(ask("readlink /dev/stdin"), "/proc/self/fd/0");
    EXPECT_EQ(ask("open /dev/null rw"), "ok");
    EXPECT_EQ(ask("write /dev/full x"), "!ENOSPC");
}

TEST_P(TheContainerInterface, A11_TerminalsAreItsOwnAndBelongToGroupFive) {
    boot();

    EXPECT_EQ(ask("filesystem /dev/pts"), "devpts");
    EXPECT_THAT(ask("terminal-pair"), MatchesRegex("chr 06[02]0 0:5 /dev/pts/[0-9]+"));
    EXPECT_THAT(ask("stat /dev/pts/ptmx"), StartsWith("chr 0666 5:2"));
}

TEST_P(TheContainerInterface, A12_ConsoleIsATerminalOfTheMachine) {
    Start start = as_this_way({"--console=read-only"}, {"/probe", "--ask", "run", "/probe", "--ask", "terminal"});
    start.pipe = false;

    const Outcome outcome = outcome_of(start);

    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    EXPECT_THAT(outcome.output, HasSubstr("controlling=yes"));
}

TEST_P(TheContainerInterface, A12_ConsoleNameLeadsToTheTerminal) {
    Start start = as_this_way({"--console=read-only"}, {"/probe", "--ask", "readlink", "/dev/console"});
    start.pipe = false;

    EXPECT_THAT(outcome_of(start).output, MatchesRegex("(/dev/)?pts/[0-9]+[\r\n]*"));
}

TEST_P(TheContainerInterface, A13_OnlyListedDevicesCanBeOpened) {
    boot();

    for (const char* node : {"blk 8 0", "blk 254 0", "chr 1 1", "chr 1 4", "chr 10 237", "chr 4 1", "chr 5 1"}) {
        // /dev is the one place where no mount option forbids devices.
        const std::string answer = ask(std::string{"device /dev/made "} + node);
        EXPECT_THAT(answer, AnyOf("mknod !EPERM", "open !EPERM")) << node;
    }
    if (!GetParam().own_users) {
        EXPECT_EQ(ask("device /dev/made chr 1 3"), "open ok");
    }
}

TEST_P(TheContainerInterface, A13_NodesInTheImageAreInert) {
    ASSERT_EQ(::mknod((tree.path() / "disk").c_str(), S_IFBLK | 0666, 254 << 8), 0);
    ASSERT_EQ(::mknod((tree.path() / "zero").c_str(), S_IFCHR | 0666, (1 << 8) | 5), 0);
    boot();

    EXPECT_THAT(ask("open /disk r"), AnyOf("!EACCES", "!EPERM"));
    if (GetParam().own_users) {
        EXPECT_EQ(ask("open /zero r"), "!EACCES");
    }
}

TEST_P(TheContainerInterface, A16_CgroupsAreAHierarchyOfItsOwn) {
    boot();

    EXPECT_EQ(ask("filesystem /sys/fs/cgroup"), "cgroup2");
    EXPECT_THAT(ask("cat /proc/1/cgroup"), HasSubstr("0::/\n"));
    EXPECT_THAT(seen_mount(ask("mount-at /sys/fs/cgroup")).root, "/");
    EXPECT_THAT(seen_mount(ask("mount-at /sys/fs/cgroup")).options, Contains("rw"));
    EXPECT_EQ(ask("mkdir /sys/fs/cgroup/init.scope"), "ok");
    EXPECT_EQ(ask("write /sys/fs/cgroup/init.scope/cgroup.procs 1"), "ok");
    EXPECT_THAT(ask("cat /proc/1/cgroup"), HasSubstr("0::/init.scope\n"));
}

TEST_P(TheContainerInterface, A19_MountsAreSharedInside) {
    boot();

    for (const char* path : {"/", "/proc", "/sys", "/dev", "/run", "/tmp"})
        EXPECT_THAT(seen_mount(ask(std::string{"mount-at "} + path)).propagation, StartsWith("shared")) << path;
}

TEST_P(TheContainerInterface, A19_MountsMadeInsideStayInside) {
    tree.directory("mnt");
    boot();

    EXPECT_EQ(ask("mount tmpfs x /mnt"), "ok");
    EXPECT_EQ(ask("filesystem /mnt"), "tmpfs");
    EXPECT_THAT(of_host("/proc/self/mountinfo"), Not(HasSubstr(tree.path().string())));
}

TEST_P(TheContainerInterface, A20_RunIsFreshAndTmpIsWritable) {
    tree.file("run/left-by-the-image", "x");
    tree.file("tmp/left-by-the-image", "x");
    boot();

    EXPECT_EQ(ask("filesystem /run"), "tmpfs");
    EXPECT_EQ(ask("ls /run"), "host");
    EXPECT_THAT(ask("stat /run"), StartsWith("dir 0755"));
    EXPECT_EQ(ask("filesystem /tmp"), "tmpfs");
    EXPECT_EQ(ask("ls /tmp"), "");
    EXPECT_EQ(ask("stat /tmp"), "dir 1777 0:0 0:0");
    EXPECT_EQ(ask("as 1000 create /tmp/file text"), "ok");
}

TEST_P(TheContainerInterface, A21_SharedMemoryAndMessageQueuesAreThere) {
    boot();

    EXPECT_EQ(ask("filesystem /dev/shm"), "tmpfs");
    EXPECT_EQ(ask("stat /dev/shm"), "dir 1777 0:0 0:0");
    EXPECT_EQ(ask("as 1000 create /dev/shm/segment"), "ok");
    EXPECT_EQ(ask("filesystem /dev/mqueue"), "mqueue");
}

TEST_P(TheContainerInterface, A22_InitIsProcessOneAndLeadsItsSession) {
    boot();

    EXPECT_EQ(ask("pid"), "pid=1 parent=0 group=1 session=1");
    const std::string status = of_host("/proc/" + std::to_string(machine().leader()) + "/status");
    EXPECT_THAT(status, testing::ContainsRegex("NSpid:.*\t1\n"));
}

TEST_P(TheContainerInterface, A22_ConsoleIsTheControllingTerminal) {
    Start start = as_this_way({"--console=read-only"}, {"/probe", "--ask", "terminal"});
    start.pipe = false;

    EXPECT_THAT(outcome_of(start).output, AllOf(HasSubstr("controlling=yes isatty=111"), HasSubstr("session=1")));
}

TEST_P(TheContainerInterface, A23_ControllersOfTheHostAreHandedOn) {
    boot();
    const std::string inside = ask("cat /sys/fs/cgroup/cgroup.controllers");

    // What the group above the machine's has to give, that it gives.
    const std::string above = of_host((cgroup_of(machine().leader()).parent_path() / "cgroup.controllers").string());
    EXPECT_EQ(words_of(inside), words_of(above));
    if (words_of(above).size() < 2)
        GTEST_SKIP() << "the unified hierarchy of this host has no controllers to hand on";
}

TEST_P(TheContainerInterface, A24_NamespacesAreItsOwn) {
    boot();

    for (const char* kind : {"mnt", "pid", "uts", "ipc", "cgroup"})
        EXPECT_THAT(ask(std::string{"namespace "} + kind), Ne(namespace_of_host(kind))) << kind;
    EXPECT_EQ(ask("namespace net") != namespace_of_host("net"), GetParam().own_network);
    EXPECT_EQ(ask("namespace user") != namespace_of_host("user"), GetParam().own_users);
}

} // namespace machinist::test
