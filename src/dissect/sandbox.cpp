// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/sandbox.hpp"

#include "base/failure.hpp"
#include "kernel/capabilities.hpp"
#include "kernel/seccomp.hpp"
#include "kernel/syscalls.hpp"
#include "spec/permitted_calls.hpp"

#include <array>
#include <csignal>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <vector>

namespace machinist::dissect {

namespace {

// Without one of processes: threads cannot be in another than their process.
constexpr int namespaces_of_threads = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
constexpr int other_namespaces = namespaces_of_threads | CLONE_NEWPID;
constexpr uid_t nobody = 65534;

void become_nobody(int namespaces) {
    const bool is_apart = ::unshare(namespaces) == 0 && ::setgroups(0, nullptr) == 0;
    if (!is_apart || ::setresgid(nobody, nobody, nobody) < 0 || ::setresuid(nobody, nobody, nobody) < 0)
        throw system_failure("leave the host's namespaces");
}

void leave_everything(Sandbox kind) {
    if (sys::close_range(3, ~0U, 0) < 0)
        throw system_failure("close descriptors");
    // In a user namespace without ids the files of root would still be one's own: not for who can open files.
    if (kind == Sandbox::libraries)
        become_nobody(namespaces_of_threads);
    // Where user namespaces are not to be had, root takes another user's id instead.
    else if (::unshare(CLONE_NEWUSER | other_namespaces) < 0)
        become_nobody(other_namespaces);
}

void limit(__rlimit_resource resource, rlim_t most) {
    const rlimit value{most, most};
    if (::setrlimit(resource, &value) < 0)
        throw system_failure("limit resources");
}

struct Limits {
    rlim_t memory, seconds, file, files, processes;
};

void limit_resources(Sandbox kind) {
    constexpr rlim_t mib = 1 << 20;
    // A key may be derived by as much as four gibibytes and a minute of several processors.
    const Limits most =
        kind == Sandbox::narrow ? Limits{512 * mib, 15, 0, 3, 0} : Limits{4608 * mib, 240, 512 * mib, 64, 512};
#ifndef __SANITIZE_ADDRESS__ // It reserves terabytes that are never used.
    limit(RLIMIT_AS, most.memory);
#endif
    limit(RLIMIT_CPU, most.seconds);
    limit(RLIMIT_FSIZE, most.file);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, most.files);
    limit(RLIMIT_NPROC, most.processes);
}

std::vector<std::uint32_t> calls_of(Sandbox kind) {
    std::vector<std::uint32_t> numbers{
        __NR_read,           __NR_pread64,       __NR_lseek,     __NR_write,      __NR_writev,
        __NR_fstat,          __NR_mmap,          __NR_munmap,    __NR_mremap,     __NR_mprotect,
        __NR_madvise,        __NR_brk,           __NR_exit,      __NR_exit_group, __NR_rt_sigreturn,
        __NR_rt_sigprocmask, __NR_clock_gettime, __NR_fadvise64, __NR_gettid,     __NR_restart_syscall,
        __NR_getrandom,      __NR_futex,         __NR_getpid,    __NR_newfstatat, __NR_tgkill};
    constexpr std::array more{__NR_openat, __NR_close, __NR_fcntl, __NR_ioctl, __NR_statx, __NR_fstatfs, __NR_statfs,
                              __NR_memfd_create, __NR_ftruncate, __NR_pwrite64, __NR_readlinkat, __NR_faccessat,
                              __NR_faccessat2, __NR_getdents64, __NR_rseq, __NR_set_robust_list, __NR_sched_yield,
                              __NR_sched_getaffinity, __NR_prlimit64, __NR_mlock, __NR_munlock, __NR_mlockall,
                              __NR_munlockall, __NR_getuid, __NR_geteuid, __NR_getgid, __NR_getegid, __NR_uname,
                              __NR_sysinfo, __NR_ppoll, __NR_clock_nanosleep, __NR_fsync, __NR_fdatasync,
                              __NR_set_tid_address, __NR_rt_sigaction, __NR_gettimeofday, __NR_membarrier, __NR_dup,
                              // The kernel's ciphers, where the library has none of its own.
                              __NR_socket, __NR_bind, __NR_accept4, __NR_accept, __NR_setsockopt, __NR_sendmsg,
                              __NR_recvmsg, __NR_sendto, __NR_recvfrom};
    if (kind == Sandbox::libraries) {
        numbers.insert(numbers.end(), more.begin(), more.end());
#ifdef __NR_readlink
        numbers.insert(numbers.end(), {__NR_readlink, __NR_access, __NR_poll, __NR_stat, __NR_lstat, __NR_arch_prctl});
#endif
    }
#ifdef __SANITIZE_ADDRESS__ // It asks of memory by a pipe whether it can be read.
    numbers.insert(numbers.end(), {__NR_sigaltstack, __NR_pipe2, __NR_close});
#ifdef __NR_pipe
    numbers.push_back(__NR_pipe);
#endif
#endif
    return numbers;
}

std::vector<sock_filter> permitted_calls(Sandbox kind) {
    return permit_calls(calls_of(kind), kind == Sandbox::libraries);
}

} // namespace

void close_the_sandbox(Sandbox kind) {
    leave_everything(kind);
    set_no_new_privileges();
    (void)set_capabilities({});
    limit_resources(kind);
    // A change of users would take this back.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    load_syscall_filter(permitted_calls(kind));
}

} // namespace machinist::dissect
