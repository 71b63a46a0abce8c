// SPDX-License-Identifier: LGPL-2.1-or-later
// OCI bundles, seen from inside.
#include "base/text.hpp"
#include "namespaces/container_interface.hpp"
#include "namespaces/own_network.hpp"

#include <filesystem>
#include <sched.h>
#include <sys/syscall.h>

namespace fs = std::filesystem;

namespace machinist::test {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

namespace {

class ABundleOfOci : public TheContainerInterface {
protected:
    void SetUp() override {
        TheContainerInterface::SetUp();
        if (IsSkipped())
            return;
        fs::create_directories(bundle());
        fs::rename(tree.path(), bundle() / "rootfs");
    }
    [[nodiscard]] Path bundle() const {
        return tree.workplace().path() / "bundle";
    }
    void write(const std::string& process, const std::string& linux_part = "", const std::string& more = "") const {
        const auto behind = [](const std::string& text) { return text.empty() ? "" : ", " + text; };
        (void)tree.workplace().file(
            "bundle/config.json",
            R"({"ociVersion": "1.2.0", "root": {"path": "rootfs"}, "process": {"args": ["/probe"], "cwd": "/")" +
                behind(process) + R"(}, "linux": {"namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"},
                {"type": "mount"}, {"type": "cgroup"}, {"type": "network"}])" +
                behind(linux_part) + "}" + behind(more) + "}");
    }
    Machine& boot_bundle() {
        return boot({"--oci-bundle=" + bundle().string()}, {});
    }
};

} // namespace

EVERY_WAY(ABundleOfOci);

TEST_P(ABundleOfOci, RunsItsProcessAsItSays) {
    write(R"("env": ["COLOUR=blue"], "cwd": "/usr", "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200}])",
          "", R"("hostname": "inner", "domainname": "domain.example")");
    boot_bundle();

    EXPECT_EQ(ask("hostname"), "inner");
    EXPECT_EQ(ask("cat /proc/sys/kernel/domainname"), "domain.example\n");
    EXPECT_EQ(ask("getenv COLOUR"), "blue");
    EXPECT_EQ(ask("cwd"), "/usr");
}

TEST_P(ABundleOfOci, HasItsMountsAndProtectedPaths) {
    (void)tree.workplace().file("bundle/data/file", "of the bundle");
    write(
        "", R"("maskedPaths": ["/proc/kcore", "/proc/version", "/no/such"], "readonlyPaths": ["/proc/bus", "/usr"])",
        R"("mounts": [{"destination": "/data", "type": "bind", "source": "data", "options": ["bind", "ro", "noexec", "nosuid"]},
                        {"destination": "/cache", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k", "mode=700"]},
                        {"destination": "/proc", "type": "proc", "source": "proc"}])");
    boot_bundle();

    EXPECT_EQ(ask("cat /data/file"), "of the bundle");
    EXPECT_THAT(seen_mount(ask("mount-at /data")).options,
                AllOf(Contains("ro"), Contains("noexec"), Contains("nosuid")));
    EXPECT_EQ(seen_mount(ask("mount-at /cache")).type, "tmpfs");
    EXPECT_EQ(ask("cat /proc/version"), "");
    EXPECT_EQ(ask("create /usr/new"), "!EROFS");
    EXPECT_EQ(ask("create /etc/new"), "ok");
}

TEST_P(ABundleOfOci, SetsKernelSettingsOfItsNamespaces) {
    write("", R"("sysctl": {"net.core.somaxconn": "77", "kernel.msgmax": "4096"})");
    boot_bundle();

    EXPECT_EQ(ask("cat /proc/sys/net/core/somaxconn"), "77\n");
    EXPECT_EQ(ask("cat /proc/sys/kernel/msgmax"), "4096\n");
    EXPECT_NE(of_host("/proc/sys/kernel/msgmax"), "4096\n");
}

TEST_P(ABundleOfOci, NarrowsItsSystemCalls) {
    write("", R"("seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["keyctl"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}, {"names": ["quotactl", "syncfs"], "action": "SCMP_ACT_ERRNO"}]})");
    boot_bundle();

    EXPECT_EQ(ask("syscall keyctl"), "!ENOSYS");
    EXPECT_EQ(ask("syscall syncfs"), "!EPERM");
}

TEST_P(ABundleOfOci, TellsSystemCallsApartByTheirArguments) {
    write("", R"("seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["umask"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13, "args": [{"index": 0, "value": 18, "op": "SCMP_CMP_EQ"}]},
        {"names": ["umask"], "action": "SCMP_ACT_KILL_PROCESS", "args": [{"index": 0, "value": 256, "valueTwo": 256, "op": "SCMP_CMP_MASKED_EQ"}]},
        {"names": ["dup"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 4294967296, "op": "SCMP_CMP_GE"}]},
        {"names": ["acct"], "action": "SCMP_ACT_TRAP"}]})");
    boot_bundle();

    const std::string umask = "syscall " + std::to_string(SYS_umask) + " ";
    EXPECT_EQ(ask(umask + "18"), "!EACCES");
    EXPECT_EQ(ask(umask + "19"), "ok");
    EXPECT_EQ(ask(umask + "0x1ff"), "!killed-by-31");
    EXPECT_EQ(ask("syscall " + std::to_string(SYS_dup) + " 0x100000000"), "!EPERM");
    EXPECT_EQ(ask("syscall " + std::to_string(SYS_dup) + " 0"), "ok");
    EXPECT_EQ(ask("syscall acct"), "!killed-by-31");
    const Outcome entered =
        machinist({"exec", machine().name(), "--", "/probe", "--ask", "syscall", std::to_string(SYS_umask), "18"});
    EXPECT_THAT(entered.output, HasSubstr("!EACCES")) << entered.errors;
}

TEST_P(ABundleOfOci, MayBeClosedToAllThatItDoesNotName) {
    write(R"("noNewPrivileges": true)",
          R"("seccomp": {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 13, "syscalls": [
        {"action": "SCMP_ACT_ALLOW", "names": ["read", "write", "readv", "writev", "pipe", "pipe2", "fork", "vfork",
         "clone", "wait4", "waitid", "exit", "exit_group", "close", "execve", "brk", "mmap", "munmap", "mprotect",
         "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64", "getrandom", "rt_sigaction",
         "rt_sigprocmask", "rt_sigreturn", "ioctl", "fstat", "newfstatat", "readlink", "readlinkat", "uname",
         "getcwd", "sigaltstack", "poll", "ppoll", "gettid", "getppid", "clock_nanosleep"]}]})");
    boot_bundle();

    EXPECT_EQ(ask("cwd"), "/");
    EXPECT_EQ(ask("syscall getpid"), "!EACCES");
    EXPECT_EQ(ask("syscall clone3"), "!ENOSYS");
}

TEST_P(ABundleOfOci, ShowsOwnersOfAMountAsItSays) {
    (void)tree.workplace().file("bundle/data/file", "of the bundle");
    write("", "", R"("mounts": [{"destination": "/data", "type": "bind", "source": "data", "options": ["bind", "idmap"],
        "uidMappings": [{"containerID": 0, "hostID": 1234, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": 4321, "size": 1}]}])");
    boot_bundle();

    EXPECT_THAT(ask("stat /data/file"), EndsWith(" 1234:4321"));
}

TEST_P(ABundleOfOci, IsServedByTheKernelAsItSays) {
    write(
        R"("ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6}, "scheduler": {"policy": "SCHED_BATCH", "nice": 5})",
        R"("memoryPolicy": {"mode": "MPOL_BIND", "nodes": "0"}, "personality": {"domain": "LINUX32"})");
    boot_bundle();

    EXPECT_EQ(ask("io-priority"), "2 6");
    // From the third field on (proc_pid_stat(5)).
    const std::string line = ask("cat /proc/self/stat");
    const auto fields = split_words(std::string_view{line}.substr(line.rfind(") ") + 2));
    ASSERT_GT(fields.size(), 38U);
    EXPECT_EQ(fields[19 - 3], "5");
    EXPECT_EQ(fields[41 - 3], std::to_string(SCHED_BATCH));
    EXPECT_THAT(ask("cat /proc/self/numa_maps"), AnyOf(HasSubstr(" bind:0 "), HasSubstr("!ENOENT")));
    EXPECT_EQ(ask("personality"), "8");
}

TEST_P(ABundleOfOci, HasClocksOfItsOwn) {
    write("", R"("namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "time"}],
        "timeOffsets": {"boottime": {"secs": 100000000}, "monotonic": {"secs": 5000, "nanosecs": 7}})");
    boot_bundle();

    EXPECT_GE(std::stod(ask("cat /proc/uptime")), 1e8);
    const std::string offsets = ask("cat /proc/self/timens_offsets");
    EXPECT_THAT(split_words(offsets), ElementsAre("monotonic", "5000", "7", "boottime", "100000000", "0"));
    EXPECT_NE(ask("namespace time"), namespace_of_host("time"));
    EXPECT_LT(std::stod(of_host("/proc/uptime")), 1e8);
    const Outcome entered = machinist({"exec", machine().name(), "--", "/probe", "--ask", "namespace", "time"});
    EXPECT_THAT(entered.output, HasSubstr(ask("namespace time"))) << entered.errors;
    const Path supervisor = "/proc/" + std::to_string(machine().program().pid()) + "/ns/time";
    EXPECT_EQ(fs::read_symlink(supervisor).string(), namespace_of_host("time"));
}

TEST_P(ABundleOfOci, TakesANetworkLinkOfTheHostWithItsAddress) {
    OwnNetwork host;
    host.make_pair("eth8", "eth9");
    host.give_address("eth9", "192.0.2.9/24");
    write("", R"("netDevices": {"eth9": {"name": "inner0"}})");
    boot_bundle();

    // An option about the network stands in the place of all that the bundle says of it.
    if (GetParam().own_network) {
        EXPECT_THAT(ask("links"), Not(HasSubstr("inner0")));
        EXPECT_TRUE(host.find("eth9"));
        return;
    }
    EXPECT_THAT(ask("links"), HasSubstr("inner0 up"));
    EXPECT_THAT(ask("cat /proc/net/fib_trie"), HasSubstr("192.0.2.9"));
    EXPECT_FALSE(host.find("eth9"));
    end_machine();
    EXPECT_TRUE(host.find("eth9"));
}

TEST_P(ABundleOfOci, IsTheSameAfterAReboot) {
    write(R"("ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6})",
          R"("namespaces": [{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "time"}],
        "timeOffsets": {"boottime": {"secs": 100000000}}, "seccomp": {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
        {"names": ["dup"], "action": "SCMP_ACT_ERRNO", "args": [{"index": 0, "value": 7, "op": "SCMP_CMP_EQ"}]}]})");
    boot_bundle();
    const pid_t before = machine().leader();
    machine().tell("reboot restart");
    // What is said before the new start is lost.
    ASSERT_TRUE(eventually([&] { return machine().leader() != before; }, 20s)) << machine().program().errors();

    EXPECT_GE(std::stod(ask("cat /proc/uptime")), 1e8);
    EXPECT_EQ(ask("io-priority"), "2 6");
    EXPECT_EQ(ask("syscall " + std::to_string(SYS_dup) + " 7"), "!EPERM");
}

TEST_P(ABundleOfOci, RefusesWhatItCannotBe) {
    write("", R"("sysctl": {"kernel.core_pattern": "|/bin/sh"}, "intelRdt": {"closID": "x"})");

    const Outcome outcome = outcome_of(as_this_way({"--oci-bundle=" + bundle().string()}, {}));

    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.errors, AllOf(HasSubstr("linux.sysctl.kernel.core_pattern"), HasSubstr("linux.intelRdt")));
}

TEST_P(ABundleOfOci, RefusesADeviceThatTheHostHasNot) {
    write("", R"("devices": [{"path": "/dev/loop-control", "type": "c", "major": 1, "minor": 200}])");

    const Outcome outcome = outcome_of(as_this_way({"--oci-bundle=" + bundle().string()}, {}));

    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.errors, HasSubstr("is not that device on this host"));
}

TEST_P(ABundleOfOci, RunsAnotherCommandOnRequest) {
    write(R"("args": ["/no/such"])");
    boot({"--oci-bundle=" + bundle().string()}, {"/probe"});

    EXPECT_EQ(ask("cwd"), "/");
}

TEST_P(ABundleOfOci, ReadsNoConfigurationThroughALink) {
    fs::create_symlink("/etc/shadow", bundle() / "config.json");

    const Outcome outcome = outcome_of(as_this_way({"--oci-bundle=" + bundle().string()}, {}));

    EXPECT_NE(outcome.status, 0);
    EXPECT_THAT(outcome.errors, Not(HasSubstr("root:")));
}

} // namespace machinist::test
