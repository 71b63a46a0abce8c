// SPDX-License-Identifier: LGPL-2.1-or-later
// Container Interface N and the rules of security: what must not be there, not leak, not be possible.
#include "namespaces/container_interface.hpp"

#include "namespaces/host_audit.hpp"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace machinist::test {

using testing::AllOf;
using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Ne;
using testing::Not;
using testing::StartsWith;

namespace {

class Hygiene : public TheContainerInterface {
protected:
    unsigned long long capability_set(const char* field) {
        return std::stoull(ask(std::string{"status "} + field), nullptr, 16);
    }
    static bool has(unsigned long long set, int bit) {
        return set >> bit & 1;
    }
};

constexpr int net_admin = 12, sys_module = 16, sys_rawio = 17, sys_admin = 21, sys_time = 25, mknod = 27,
              audit_read = 37, mac_admin = 33, syslog = 34, bpf = 39, perfmon = 38;

} // namespace

EVERY_WAY(Hygiene);

TEST_P(Hygiene, N1_N2_ServicesCanHaveTheirOwnDevicesAndMounts) {
    boot();

    EXPECT_TRUE(has(capability_set("CapBnd"), mknod));
    EXPECT_TRUE(has(capability_set("CapEff"), sys_admin));
}

TEST_P(Hygiene, N8_CapabilitiesThatReachTheHostAreNotThere) {
    boot();

    for (const int bit : {sys_module, sys_rawio, sys_time, audit_read, mac_admin, syslog, bpf, perfmon})
        EXPECT_FALSE(has(capability_set("CapBnd"), bit)) << bit;
    EXPECT_EQ(has(capability_set("CapBnd"), net_admin), GetParam().own_network);
}

TEST_P(Hygiene, N8_AuditSocketsAreRefusedAsIfThereWereNone) {
    boot();

    EXPECT_EQ(ask("socket 16 3 9"), "!EAFNOSUPPORT");
    EXPECT_EQ(ask("socket 16 3 0"), "ok");
}

TEST_P(Hygiene, N3_N4_ThereIsNoKernelLogAndNoVirtualTerminal) {
    boot();

    EXPECT_EQ(ask("stat /dev/kmsg"), "!ENOENT");
    EXPECT_EQ(ask("stat /dev/tty1"), "!ENOENT");
    EXPECT_EQ(ask("stat /dev/vcs"), "!ENOENT");
    EXPECT_EQ(ask("stat /dev/mem"), "!ENOENT");
    EXPECT_EQ(ask("stat /dev/sda"), "!ENOENT");
    EXPECT_EQ(ask("stat /dev/vda"), "!ENOENT");
}

TEST_P(Hygiene, N11_NoDescriptorIsLeaked) {
    const int leaked = ::open("/etc/passwd", O_RDONLY);
    Start start = as_this_way();
    start.extra_descriptor = leaked;
    this->start(start);
    ::close(leaked);

    const auto descriptors = words_of(ask("descriptors"), '\n');

    EXPECT_EQ(descriptors.size(), 3U) << ask("descriptors");
    for (const std::string& line : descriptors)
        EXPECT_THAT(line, AnyOf(StartsWith("0 pipe:"), StartsWith("1 pipe:"), StartsWith("2 pipe:"),
                                StartsWith("0 /dev/"), StartsWith("1 /dev/"), StartsWith("2 /dev/")));
}

TEST_P(Hygiene, N11_StreamsAreNotTheCallersOwn) {
    boot();
    const std::string own = ask("readlink /proc/self/fd/0");

    // The payload may change what it holds; it holds nothing that the caller or the host uses.
    std::error_code ignored;
    const std::string ours =
        std::filesystem::read_symlink("/proc/" + std::to_string(machine().program().pid()) + "/fd/0", ignored);
    EXPECT_NE(own, ours);
}

TEST_P(Hygiene, N11_SignalsAndMaskAreTheDefaults) {
    boot();

    EXPECT_EQ(ask("dispositions"), "blocked= ignored=");
    EXPECT_EQ(ask("umask"), "0022");
}

TEST_P(Hygiene, N11_AuditSessionAndKeyringAreNotTheCallers) {
    boot();

    if (!of_host("/proc/self/loginuid").empty()) {
        EXPECT_EQ(ask("cat /proc/self/loginuid"), "4294967295");
    }
    EXPECT_THAT(ask("keyring"), AnyOf(Not(HasSubstr("_uid_ses")), "!ENOSYS", "!EPERM"));
}

TEST_P(Hygiene, N11_ControllingTerminalOfTheCallerStaysTheCallers) {
    boot();

    EXPECT_THAT(ask("terminal"), Not(HasSubstr("controlling=yes")));
}

TEST_P(Hygiene, N12_SecretsOfTheKernelAreCovered) {
    boot();

    for (const char* secret : {"kallsyms", "kcore", "keys", "sysrq-trigger", "timer_list"}) {
        const std::string path = std::string{"/proc/"} + secret;
        if (!std::filesystem::exists(path))
            continue;
        EXPECT_THAT(seen_mount(ask("mount-at " + path)).options, Contains("ro")) << path;
        EXPECT_EQ(ask("as 1000 cat " + path), "!EACCES") << path;
        EXPECT_EQ(ask("size " + path), "0") << path;
    }
    for (const char* part : {"acpi", "apm", "asound", "bus", "fs", "irq", "scsi"}) {
        const std::string path = std::string{"/proc/"} + part;
        if (std::filesystem::exists(path)) {
            EXPECT_THAT(seen_mount(ask("mount-at " + path)).options, Contains("ro")) << path;
        }
    }
}

TEST_P(Hygiene, R5_WorkingDirectoryIsInside) {
    boot({}, {"/probe"});

    EXPECT_THAT(ask("cwd"), StartsWith("/"));
    EXPECT_EQ(ask("stat /proc/self/cwd/../../../../../../etc/passwd"), ask("stat /etc/passwd"));
}

TEST_P(Hygiene, R5_SupervisorCannotBeReachedFromInside) {
    boot();

    EXPECT_EQ(ask("ls /proc").find(std::to_string(machine().program().pid())), std::string::npos);
    EXPECT_EQ(ask("kill " + std::to_string(machine().program().pid()) + " TERM"), "!ESRCH");
    EXPECT_EQ(ask("pdeathsig"), "9") << "who keeps the machine must not die without it";
}

TEST_P(Hygiene, R7_NoMountOfItsTreeHonoursDevices) {
    boot();

    for (const char* path : {"/tmp", "/run", "/dev/shm"})
        EXPECT_THAT(seen_mount(ask(std::string{"mount-at "} + path)).options,
                    AllOf(Contains("nodev"), Contains("nosuid")))
            << path;
}

TEST_P(Hygiene, R8_NothingCanBeTypedIntoATerminal) {
    Start start = as_this_way({"--console=read-only"}, {"/probe", "--ask", "type-into-terminal"});
    start.pipe = false;

    const Outcome outcome = outcome_of(start);

    if (start.called_as == CalledAs::machinist) {
        EXPECT_THAT(outcome.output, AnyOf(HasSubstr("!EPERM"), HasSubstr("!EIO")));
    }
}

TEST_P(Hygiene, LeavesTheHostAsItWas) {
    const std::string before = fingerprint_of_host();
    boot();
    EXPECT_THAT(ask("chmod /dev/null 0600"), AnyOf("ok", "!EPERM"));
    EXPECT_THAT(ask("chown /dev/null 1000 1000"), AnyOf("ok", "!EPERM"));
    ask("write /proc/sys/kernel/hostname inside");
    ask("chmod /proc/self/fd/0 0600");
    ask("chmod /proc/self/fd/1 0600");
    ask("syscall syslog 5");
    ask("mkdir /dev/made");
    end_machine();

    EXPECT_EQ(fingerprint_of_host(), before);
}

// The allow list, seen from inside: EPERM for what is known and not allowed, ENOSYS for what nobody knows.
TEST_P(Hygiene, R9_SystemCallsThatReachTheHostAreRefused) {
    boot();

    for (const char* name : {"kexec_load", "open_by_handle_at", "perf_event_open", "bpf", "swapon", "swapoff",
                             "fanotify_init", "init_module", "finit_module", "delete_module", "quotactl", "pkey_alloc",
                             "acct", "settimeofday", "clock_settime", "iopl", "ioperm", "syslog"})
        EXPECT_EQ(ask(std::string{"syscall "} + name + " 0 0 0"), "!EPERM") << name;
}

TEST_P(Hygiene, R9_UnknownSystemCallsDoNotExist) {
    boot();

    EXPECT_EQ(ask("syscall 1000"), "!ENOSYS");
    EXPECT_EQ(ask("syscall32 1000"), "!ENOSYS");
}

TEST_P(Hygiene, R9_OtherAbiIsNoWayAround) {
    boot();

    EXPECT_EQ(ask("syscall32 20"), "ok") << "getpid";
    for (const auto& [name, number] : {std::pair{"bpf", 357},
                                       {"perf_event_open", 336},
                                       {"open_by_handle_at", 342},
                                       {"init_module", 128},
                                       {"swapon", 87},
                                       {"kexec_load", 283}})
        EXPECT_EQ(ask("syscall32 " + std::to_string(number)), "!EPERM") << name;
}

TEST_P(Hygiene, R9_KeysIoUringAndUserfaultsAreForNspawnOnly) {
    boot();
    const bool strict = GetParam().called_as == CalledAs::machinist;

    for (const char* name : {"io_uring_setup", "userfaultfd", "add_key", "request_key"}) {
        // Without a privilege, faults of user space are all that userfaultfd(2) offers: its flag 1.
        const std::string answer = ask(std::string{"syscall "} + name + " 1 0 0");
        if (strict) {
            EXPECT_THAT(answer, AnyOf("!EPERM", "!ENOSYS")) << name;
        } else {
            EXPECT_THAT(answer, AllOf(Not("!EPERM"), Not("!ENOSYS"))) << name;
        }
    }
    EXPECT_THAT(ask("unshared user ids"), strict ? StartsWith("!") : StartsWith("uid="));
}

TEST_P(Hygiene, R9_NestedNamespacesAndMountsWork) {
    tree.directory("mnt");
    boot();

    EXPECT_EQ(ask("unshared mount mount tmpfs x /mnt"), "ok");
    for (const char* kind : {"mount", "net", "uts", "ipc", "pid", "cgroup"})
        EXPECT_THAT(ask(std::string{"unshared "} + kind + " ids"), StartsWith("uid=0")) << kind;
}

} // namespace machinist::test
