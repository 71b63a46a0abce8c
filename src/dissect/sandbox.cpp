// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/sandbox.hpp"

#include "base/failure.hpp"
#include "kernel/capabilities.hpp"
#include "kernel/seccomp.hpp"
#include "kernel/syscalls.hpp"
#include "spec/permitted_calls.hpp"

#include <csignal>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <vector>

namespace machinist::dissect {

namespace {

constexpr int other_namespaces =
    CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWCGROUP;
constexpr uid_t nobody = 65534;

void leave_everything() {
    if (sys::close_range(3, ~0U, 0) < 0)
        throw system_failure("close descriptors");
    // Where user namespaces are not to be had, root takes another user's id instead.
    if (::unshare(CLONE_NEWUSER | other_namespaces) < 0) {
        const bool is_apart = ::unshare(other_namespaces) == 0 && ::setgroups(0, nullptr) == 0;
        if (!is_apart || ::setresgid(nobody, nobody, nobody) < 0 || ::setresuid(nobody, nobody, nobody) < 0)
            throw system_failure("leave the host's namespaces");
    }
}

void limit(__rlimit_resource resource, rlim_t most) {
    const rlimit value{most, most};
    if (::setrlimit(resource, &value) < 0)
        throw system_failure("limit resources");
}

void limit_resources() {
    constexpr rlim_t memory = 512UL << 20;
    constexpr rlim_t seconds = 15;
    limit(RLIMIT_AS, memory);
    limit(RLIMIT_CPU, seconds);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 3);
    limit(RLIMIT_NPROC, 0);
}

std::vector<sock_filter> permitted_calls() {
    return permit_calls({__NR_read,           __NR_pread64,       __NR_lseek,     __NR_write,      __NR_writev,
                         __NR_fstat,          __NR_mmap,          __NR_munmap,    __NR_mremap,     __NR_mprotect,
                         __NR_madvise,        __NR_brk,           __NR_exit,      __NR_exit_group, __NR_rt_sigreturn,
                         __NR_rt_sigprocmask, __NR_clock_gettime, __NR_fadvise64, __NR_gettid,     __NR_restart_syscall,
                         __NR_getrandom,      __NR_futex,         __NR_getpid,    __NR_newfstatat, __NR_tgkill},
                        false);
}

} // namespace

void close_the_sandbox() {
    leave_everything();
    set_no_new_privileges();
    (void)set_capabilities({});
    limit_resources();
    // A change of users would take this back.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    load_syscall_filter(permitted_calls());
}

} // namespace machinist::dissect
