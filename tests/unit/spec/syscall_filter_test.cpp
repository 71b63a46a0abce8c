// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs the program as the kernel would: number, architecture and arguments in, an answer out.
#include "spec/syscall_filter.hpp"

#include "filter_interpreter.hpp"
#include "spec/syscall_table.hpp"

#include <array>
#include <asm/ioctls.h>
#include <cerrno>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/syscall.h>

namespace machinist {
namespace {

using Arguments = std::array<std::uint64_t, 6>;

constexpr int passes = -1; // beside errno values, of which 0 is "succeeds without being done"

class AFilter {
public:
    AFilter& strict() {
        spec_.strict = true;
        return *this;
    }
    AFilter& allowing(std::initializer_list<std::string> names) {
        spec_.allow = names;
        return *this;
    }
    AFilter& denying(std::initializer_list<std::string> names) {
        spec_.deny = names;
        return *this;
    }
    AFilter& suppressing_sync() {
        spec_.suppress_sync = true;
        return *this;
    }
    AFilter& with_families(bool allow_listed, std::vector<int> families) {
        spec_.address_families = SyscallFilterSpec::AddressFamilies{allow_listed, std::move(families)};
        return *this;
    }
    AFilter& holding(unsigned capability) {
        capabilities_.bounding |= std::uint64_t{1} << capability;
        return *this;
    }
    AFilter& on_the_hosts_network() {
        private_network_ = false;
        return *this;
    }

    [[nodiscard]] std::vector<sock_filter> program() const {
        return build_syscall_filter(spec_, capabilities_, private_network_);
    }
    [[nodiscard]] int answer(std::uint32_t architecture, std::uint32_t number, Arguments arguments = {}) const {
        seccomp_data data{};
        data.nr = static_cast<int>(number);
        data.arch = architecture;
        std::copy(arguments.begin(), arguments.end(), data.args);
        const std::uint32_t value = interpret(program(), data);
        if (value == SECCOMP_RET_ALLOW)
            return passes;
        EXPECT_EQ(value & SECCOMP_RET_ACTION_FULL, SECCOMP_RET_ERRNO);
        return static_cast<int>(value & SECCOMP_RET_DATA);
    }

private:
    SyscallFilterSpec spec_;
    CapabilitySpec capabilities_;
    bool private_network_ = true;
};

enum AbiIndex { native, sister };

std::optional<std::uint32_t> number_of(AbiIndex abi, std::string_view name) {
    if (const auto id = find_syscall(name); id && abi < syscall_data::abis.size())
        for (const auto& call : syscall_data::abis[abi].calls)
            if (static_cast<SyscallId>(call.id) == *id)
                return call.number;
    return std::nullopt;
}

int answer_to(const AFilter& filter, AbiIndex abi, std::string_view name, Arguments arguments = {}) {
    const auto number = number_of(abi, name);
    if (!number)
        throw std::logic_error("the ABI has no call of this name: " + std::string{name});
    return filter.answer(syscall_data::abis[abi].audit_architecture, *number, arguments);
}

// On every ABI that has the call, and at least on one.
testing::AssertionResult all_answer(const AFilter& filter, std::string_view name, int expected,
                                    Arguments arguments = {}) {
    int asked = 0;
    for (std::size_t abi = 0; abi < syscall_data::abis.size(); ++abi)
        if (number_of(static_cast<AbiIndex>(abi), name)) {
            ++asked;
            const int answer = answer_to(filter, static_cast<AbiIndex>(abi), name, arguments);
            if (answer != expected)
                return testing::AssertionFailure()
                       << name << " on ABI " << abi << " gives " << answer << ", not " << expected;
        }
    return asked > 0 ? testing::AssertionSuccess() : testing::AssertionFailure() << "no ABI has " << name;
}

TEST(TheSyscallTable, HasTheNumbersOfTheRunningKernelsHeaders) {
    EXPECT_EQ(number_of(native, "read"), SYS_read);
    EXPECT_EQ(number_of(native, "openat"), SYS_openat);
    EXPECT_EQ(number_of(native, "clone3"), SYS_clone3);
    EXPECT_EQ(number_of(native, "socket"), SYS_socket);
    EXPECT_EQ(number_of(native, "file_setattr"), 469U);
}

#ifdef __x86_64__
TEST(TheSyscallTable, HasTheRealNumbersOfCallsThat32BitX86OnceMultiplexed) {
    EXPECT_EQ(number_of(sister, "socket"), 359U);
    EXPECT_EQ(number_of(sister, "socketcall"), 102U);
    EXPECT_EQ(number_of(sister, "shmget"), 395U);
    EXPECT_EQ(number_of(sister, "exit"), 1U);
    EXPECT_FALSE(number_of(native, "socketcall"));
}

TEST(ASyscallFilter, LetsNoX32CallPass) {
    EXPECT_EQ(AFilter{}.answer(syscall_data::abis[native].audit_architecture, 0x40000000U + SYS_read), ENOSYS);
    EXPECT_EQ(AFilter{}.answer(syscall_data::abis[native].audit_architecture, 0x40000000U + 520), ENOSYS);
}
#endif

TEST(ASyscallFilter, AllowsWhatAnyMachineNeeds) {
    for (const char* name :
         {"read", "execve", "clone", "mount", "pivot_root", "landlock_add_rule", "ioctl", "io_uring_setup", "keyctl",
          "statmount", "cachestat", "setns", "unshare", "chroot", "splice", "userfaultfd", "process_vm_readv"})
        EXPECT_TRUE(all_answer(AFilter{}, name, passes));
}

TEST(ASyscallFilter, RefusesKnownCallsThatNoMachineNeeds) {
    for (const char* name : {"kexec_load", "open_by_handle_at", "perf_event_open", "bpf", "swapon", "fanotify_init",
                             "init_module", "quotactl", "pkey_alloc", "modify_ldt", "memfd_secret", "futex_requeue"})
        EXPECT_TRUE(all_answer(AFilter{}, name, EPERM));
}

TEST(ASyscallFilter, CallsUnknownNumbersMissingSoThatProgramsFallBack) {
    for (const auto& abi : syscall_data::abis)
        for (const std::uint32_t number : {600U, 1000U, 0x3fffffffU, 0x7fffffffU, 0xffffffffU})
            EXPECT_EQ(AFilter{}.answer(abi.audit_architecture, number), ENOSYS) << number;
}

TEST(ASyscallFilter, LetsNoForeignArchitecturePass) {
    EXPECT_EQ(AFilter{}.answer(0x12345678, SYS_read), ENOSYS);
    EXPECT_EQ(AFilter{}.answer(0, SYS_read), ENOSYS);
}

TEST(ASyscallFilter, GivesEveryNumberTheAnswerOfItsName) {
    // The search must not be off by one anywhere: every known number against the sets, its neighbours included.
    AFilter filter;
    const auto program = filter.program();
    SyscallSet allowed{syscall_data::always_allowed};
    for (const auto& abi : syscall_data::abis) {
        for (std::uint32_t number = 0; number < 1024; ++number) {
            std::uint32_t expected = SECCOMP_RET_ERRNO | ENOSYS;
            bool conditional = false;
            for (const auto& call : abi.calls)
                if (call.number == number) {
                    conditional = static_cast<SyscallId>(call.id) == syscall_id("socket");
                    expected = allowed.contains(static_cast<SyscallId>(call.id)) ? std::uint32_t{SECCOMP_RET_ALLOW}
                                                                                 : SECCOMP_RET_ERRNO | EPERM;
                }
            seccomp_data data{};
            data.nr = static_cast<int>(number);
            data.arch = abi.audit_architecture;
            if (!conditional) {
                ASSERT_EQ(interpret(program, data), expected) << number;
            }
        }
    }
}

TEST(ASyscallFilter, OpensCallsWithTheCapabilityTheyNeed) {
    struct {
        unsigned capability;
        const char* call;
    } const rows[]{{CAP_SYS_TIME, "clock_settime"}, {CAP_SYS_MODULE, "init_module"},
                   {CAP_SYS_RAWIO, "ioperm"},       {CAP_IPC_LOCK, "mlockall"},
                   {CAP_SYS_PACCT, "acct"},         {CAP_SYS_PTRACE, "ptrace"},
                   {CAP_SYS_BOOT, "reboot"},        {CAP_SYSLOG, "syslog"},
                   {CAP_SYS_TTY_CONFIG, "vhangup"}, {CAP_BPF, "bpf"}};

    for (const auto& row : rows) {
        EXPECT_TRUE(all_answer(AFilter{}, row.call, EPERM));
        EXPECT_TRUE(all_answer(AFilter{}.holding(row.capability), row.call, passes));
    }
}

TEST(ASyscallFilter, OpensAndClosesWhatTheAdministratorNames) {
    EXPECT_TRUE(all_answer(AFilter{}.allowing({"@swap", "perf_event_open"}), "swapon", passes));
    EXPECT_TRUE(all_answer(AFilter{}.allowing({"@swap", "perf_event_open"}), "perf_event_open", passes));
    EXPECT_TRUE(all_answer(AFilter{}.allowing({"@known"}), "quotactl", passes));
    EXPECT_TRUE(all_answer(AFilter{}.denying({"@mount"}), "fsopen", EPERM));
    EXPECT_TRUE(all_answer(AFilter{}.denying({"uname"}), "uname", EPERM));
}

TEST(ASyscallFilter, LetsDenyingWin) {
    EXPECT_TRUE(all_answer(AFilter{}.allowing({"swapon"}).denying({"@swap"}), "swapon", EPERM));
    EXPECT_TRUE(all_answer(AFilter{}.denying({"socket"}), "socket", EPERM, {AF_UNIX}));
    EXPECT_TRUE(all_answer(AFilter{}.denying({"@sync"}).suppressing_sync(), "fsync", EPERM, {3}));
    EXPECT_TRUE(all_answer(AFilter{}.strict().denying({"keyctl"}).allowing({"@keyring"}), "keyctl", EPERM));
}

TEST(ASyscallFilter, HidesWhatIsDeniedAsMissing) {
    EXPECT_TRUE(all_answer(AFilter{}.denying({"clone3:ENOSYS"}), "clone3", ENOSYS));
    EXPECT_TRUE(all_answer(AFilter{}.allowing({"swapon"}).denying({"@swap:ENOSYS"}), "swapon", ENOSYS));
    EXPECT_THAT(unknown_syscalls({"clone3:ENOSYS", "no_such_call:ENOSYS", "clone3:EPERM"}),
                testing::ElementsAre("no_such_call:ENOSYS", "clone3:EPERM"));
}

TEST(ASyscallFilter, HidesTheAuditSubsystem) {
    EXPECT_TRUE(all_answer(AFilter{}, "socket", EAFNOSUPPORT, {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT}));
    EXPECT_TRUE(all_answer(AFilter{}.strict(), "socket", EAFNOSUPPORT, {AF_NETLINK, SOCK_RAW, NETLINK_AUDIT}));
    EXPECT_TRUE(all_answer(AFilter{}, "socket", passes, {AF_NETLINK, SOCK_RAW, NETLINK_ROUTE}));
    EXPECT_TRUE(all_answer(AFilter{}, "socket", passes, {AF_INET, SOCK_RAW, NETLINK_AUDIT}));
    EXPECT_TRUE(all_answer(AFilter{}, "socket", passes, {AF_VSOCK}));
}

TEST(ASyscallFilter, LooksAtTheHalfOfAnArgumentThatTheKernelLooksAt) {
    EXPECT_TRUE(all_answer(AFilter{}, "socket", EAFNOSUPPORT,
                           {0xdead00000000 | AF_NETLINK, SOCK_RAW, 0xbeef00000000 | NETLINK_AUDIT}));
    EXPECT_TRUE(all_answer(AFilter{}.strict(), "ioctl", EPERM, {0, 0x100000000 | TIOCSTI}));
    EXPECT_TRUE(all_answer(AFilter{}.strict(), "unshare", EPERM, {0x700000000 | CLONE_NEWUSER}));
}

TEST(ASyscallFilter, RestrictsAddressFamiliesToAList) {
    const auto filter = AFilter{}.with_families(true, {AF_UNIX, AF_NETLINK});

    EXPECT_TRUE(all_answer(filter, "socket", passes, {AF_UNIX}));
    EXPECT_TRUE(all_answer(filter, "socket", passes, {AF_NETLINK, 0, NETLINK_ROUTE}));
    EXPECT_TRUE(all_answer(filter, "socket", EAFNOSUPPORT, {AF_NETLINK, 0, NETLINK_AUDIT}));
    EXPECT_TRUE(all_answer(filter, "socket", EAFNOSUPPORT, {AF_INET}));
    EXPECT_TRUE(all_answer(filter, "socketpair", passes, {AF_UNIX}));
    EXPECT_TRUE(all_answer(AFilter{}.with_families(true, {}), "socket", EAFNOSUPPORT, {AF_UNIX}));
    EXPECT_TRUE(all_answer(AFilter{}.with_families(true, {}), "socket", EAFNOSUPPORT, {AF_NETLINK, 0, NETLINK_ROUTE}));
}

TEST(ASyscallFilter, RestrictsAddressFamiliesByRefusingSome) {
    const auto filter = AFilter{}.with_families(false, {AF_INET, AF_NETLINK});

    EXPECT_TRUE(all_answer(filter, "socket", EAFNOSUPPORT, {AF_INET}));
    EXPECT_TRUE(all_answer(filter, "socket", EAFNOSUPPORT, {AF_NETLINK, 0, NETLINK_ROUTE}));
    EXPECT_TRUE(all_answer(filter, "socket", passes, {AF_UNIX}));
    EXPECT_TRUE(all_answer(filter, "socket", passes, {AF_VSOCK}));
}

TEST(ASyscallFilter, PretendsThatSyncingWorked) {
    const auto filter = AFilter{}.suppressing_sync();

    for (const char* name : {"fsync", "fdatasync", "syncfs", "sync_file_range"}) {
        EXPECT_TRUE(all_answer(filter, name, 0, {3}));
        EXPECT_TRUE(all_answer(filter, name, passes, {0xffffffff})) << "a bad descriptor stays one";
    }
    EXPECT_TRUE(all_answer(filter, "sync", 0));
    EXPECT_TRUE(all_answer(filter, "msync", 0));
    EXPECT_TRUE(all_answer(filter, "openat2", ENOSYS));
    EXPECT_TRUE(all_answer(AFilter{}, "fsync", passes, {3}));
}

TEST(ASyscallFilter, RefusesToOpenForSynchronousWritingWhereSyncIsSuppressed) {
    const auto filter = AFilter{}.suppressing_sync();

    EXPECT_TRUE(all_answer(filter, "openat", EINVAL, {0, 0, O_WRONLY | O_SYNC}));
    EXPECT_TRUE(all_answer(filter, "openat", EINVAL, {0, 0, O_WRONLY | O_DSYNC}));
    EXPECT_TRUE(all_answer(filter, "openat", passes, {0, O_SYNC, O_WRONLY | O_CREAT}));
    EXPECT_TRUE(all_answer(filter, "open", EINVAL, {0, O_SYNC}));
    EXPECT_TRUE(all_answer(filter, "open", passes, {0, O_RDWR, O_SYNC}));
}

TEST(TheStrictProfile, WithholdsWhatProgramsCanDoWithout) {
    for (const char* name :
         {"io_uring_setup", "io_uring_enter", "io_uring_register", "userfaultfd", "keyctl", "add_key", "request_key"})
        EXPECT_TRUE(all_answer(AFilter{}.strict(), name, ENOSYS));
}

TEST(TheStrictProfile, GivesBackWhatIsNamed) {
    EXPECT_TRUE(all_answer(AFilter{}.strict().allowing({"io_uring_setup"}), "io_uring_setup", passes));
    EXPECT_TRUE(all_answer(AFilter{}.strict().allowing({"io_uring_setup"}), "io_uring_enter", ENOSYS));
    EXPECT_TRUE(all_answer(AFilter{}.strict().allowing({"@keyring"}), "add_key", passes));
    EXPECT_TRUE(all_answer(AFilter{}.strict().allowing({"ioctl"}), "ioctl", passes, {0, TIOCSTI}));
    EXPECT_TRUE(all_answer(AFilter{}.strict().allowing({"socket"}), "socket", passes, {AF_VSOCK}));
}

TEST(TheStrictProfile, KeepsItsConditionsWhereOnlyAGroupIsNamed) {
    const auto filter = AFilter{}.strict().allowing({"@known"});

    EXPECT_TRUE(all_answer(filter, "socket", EAFNOSUPPORT, {AF_VSOCK}));
    EXPECT_TRUE(all_answer(filter, "ioctl", EPERM, {0, TIOCSTI}));
    EXPECT_TRUE(all_answer(filter, "clone3", ENOSYS));
    EXPECT_TRUE(all_answer(filter, "userfaultfd", passes));
}

TEST(TheStrictProfile, LetsNobodyTypeIntoATerminalOfOthers) {
    EXPECT_TRUE(all_answer(AFilter{}.strict(), "ioctl", EPERM, {0, TIOCSTI}));
    EXPECT_TRUE(all_answer(AFilter{}.strict(), "ioctl", EPERM, {0, TIOCLINUX}));
    EXPECT_TRUE(all_answer(AFilter{}.strict(), "ioctl", passes, {TIOCSTI, TIOCGWINSZ}));
    EXPECT_TRUE(all_answer(AFilter{}, "ioctl", passes, {0, TIOCSTI}));
}

TEST(TheStrictProfile, KnowsOnlyTheSocketFamiliesOfAnOrdinarySystem) {
    for (const std::uint64_t family : {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_PACKET}) {
        EXPECT_TRUE(all_answer(AFilter{}.strict(), "socket", passes, {family}));
        EXPECT_TRUE(all_answer(AFilter{}.strict(), "socketpair", passes, {family}));
    }
    for (const std::uint64_t family : {AF_VSOCK, AF_ALG, AF_RDS, AF_BLUETOOTH, AF_XDP, 0, 255}) {
        EXPECT_TRUE(all_answer(AFilter{}.strict(), "socket", EAFNOSUPPORT, {family}));
        EXPECT_TRUE(all_answer(AFilter{}.strict(), "socketpair", EAFNOSUPPORT, {family}));
    }
}

TEST(TheStrictProfile, ShowsNobodyThePacketsOfTheHost) {
    EXPECT_TRUE(all_answer(AFilter{}.strict().on_the_hosts_network(), "socket", EAFNOSUPPORT, {AF_PACKET}));
    EXPECT_TRUE(all_answer(AFilter{}.strict().on_the_hosts_network(), "socket", passes, {AF_INET}));
    EXPECT_TRUE(all_answer(AFilter{}.on_the_hosts_network(), "socket", passes, {AF_PACKET}));
}

TEST(TheStrictProfile, MeetsTheAdministratorsFamiliesInTheMiddle) {
    const auto filter = AFilter{}.strict().with_families(true, {AF_UNIX, AF_VSOCK});

    EXPECT_TRUE(all_answer(filter, "socket", passes, {AF_UNIX}));
    EXPECT_TRUE(all_answer(filter, "socket", EAFNOSUPPORT, {AF_VSOCK}));
    EXPECT_TRUE(all_answer(filter, "socket", EAFNOSUPPORT, {AF_INET}));
    EXPECT_TRUE(all_answer(AFilter{}.strict().with_families(false, {AF_INET}), "socket", EAFNOSUPPORT, {AF_INET}));
    EXPECT_TRUE(all_answer(AFilter{}.strict().with_families(false, {AF_INET}), "socket", passes, {AF_INET6}));
}

#ifdef __x86_64__
TEST(TheStrictProfile, MakesNoSocketsWhoseFamilyItCannotSee) {
    constexpr std::uint64_t socket = 1;
    constexpr std::uint64_t bind = 2;
    constexpr std::uint64_t socketpair = 8;

    EXPECT_EQ(answer_to(AFilter{}.strict(), sister, "socketcall", {socket}), ENOSYS);
    EXPECT_EQ(answer_to(AFilter{}.strict(), sister, "socketcall", {socketpair}), ENOSYS);
    EXPECT_EQ(answer_to(AFilter{}.strict(), sister, "socketcall", {bind}), passes);
    EXPECT_EQ(answer_to(AFilter{}.with_families(true, {AF_INET}), sister, "socketcall", {socket}), ENOSYS);
    EXPECT_EQ(answer_to(AFilter{}, sister, "socketcall", {socket}), passes);
    EXPECT_EQ(answer_to(AFilter{}.strict().allowing({"socketcall"}), sister, "socketcall", {socket}), passes);
}
#endif

TEST(TheStrictProfile, LetsNobodyMakeUserNamespaces) {
    const auto filter = AFilter{}.strict();

    EXPECT_TRUE(all_answer(filter, "clone", EPERM, {CLONE_NEWUSER | CLONE_NEWNS}));
    EXPECT_TRUE(all_answer(filter, "clone", passes, {CLONE_NEWNS | CLONE_NEWNET | CLONE_VM}));
    EXPECT_TRUE(all_answer(filter, "unshare", EPERM, {CLONE_NEWUSER}));
    EXPECT_TRUE(all_answer(filter, "unshare", passes, {CLONE_NEWNS}));
    EXPECT_TRUE(all_answer(filter, "clone3", ENOSYS));
    EXPECT_TRUE(all_answer(AFilter{}, "clone3", passes));
}

TEST(TheStrictProfile, NestsWhereItIsTold) {
    const auto filter = AFilter{}.strict().allowing({"nesting"});

    EXPECT_TRUE(all_answer(filter, "clone", passes, {CLONE_NEWUSER}));
    EXPECT_TRUE(all_answer(filter, "unshare", passes, {CLONE_NEWUSER}));
    EXPECT_TRUE(all_answer(filter, "clone3", passes));
    EXPECT_TRUE(all_answer(filter, "ioctl", EPERM, {0, TIOCSTI}));
}

TEST(UnknownSyscalls, AreThoseThatNoAbiAndNoGroupHas) {
    EXPECT_THAT(unknown_syscalls({"read", "@mount", "@known", "nesting", "mseal", "riscv_flush_icache"}),
                testing::IsEmpty());
    EXPECT_THAT(unknown_syscalls({"raed", "read", "@muont", ""}), testing::ElementsAre("raed", "@muont", ""));
}

// The kernel checks and translates each instruction at each start.
TEST(ASyscallFilter, IsSmall) {
    SyscallFilterSpec spec;
    spec.strict = true;
    spec.suppress_sync = true;

    const std::vector<sock_filter> program = build_syscall_filter(spec, CapabilitySpec{0xfdecbfff, 0}, true);

    RecordProperty("instructions", static_cast<int>(program.size()));
    EXPECT_LT(program.size(), 1000U);
}

} // namespace
} // namespace machinist
