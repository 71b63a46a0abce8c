// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/confinement.hpp"

#include "base/failure.hpp"
#include "kernel/capabilities.hpp"
#include "kernel/files.hpp"
#include "kernel/landlock.hpp"
#include "kernel/mounts.hpp"
#include "kernel/seccomp.hpp"
#include "spec/permitted_calls.hpp"
#include "transfer/unprivileged.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <initializer_list>
#include <iterator>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace machinist {

namespace {

// What making files of others takes; attributes of security modules are for CAP_SYS_ADMIN alone to set.
constexpr std::initializer_list<unsigned> kept_capabilities{CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER,   CAP_FSETID,
                                                            CAP_MKNOD, CAP_SETFCAP,      CAP_SYS_ADMIN};

bool holds(unsigned capability) {
    return (current_capabilities().effective >> capability & 1) != 0;
}

void leave_namespaces() {
    if (holds(CAP_SYS_ADMIN) && ::unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0)
        throw system_failure("leave the host's namespaces");
}

// A view of the tree of its own: in it a device is no way to the host's, a link leads nowhere.
void make_root(BorrowedFd tree) {
    if (!holds(CAP_SYS_ADMIN) || !holds(CAP_SYS_CHROOT))
        return;
    const UniqueFd view = clone_mount(tree, false);
    constexpr MountAttributes inert = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
#ifdef MOUNT_ATTR_NOSYMFOLLOW
    constexpr MountAttributes without_links = MOUNT_ATTR_NOSYMFOLLOW;
#else
    constexpr MountAttributes without_links = 0x00200000;
#endif
    try {
        change_mount(view, {.set = inert | without_links});
    } catch (const Failure& failure) {
        // Before Linux 5.14.
        if (failure.error_number() != EINVAL)
            throw;
        change_mount(view, {.set = inert});
    }
    if (::fchdir(view.get()) < 0 || ::chroot(".") < 0)
        throw system_failure("make the tree the root directory");
    const UniqueFd root = open_path("/", O_RDONLY | O_DIRECTORY);
    if (::dup3(root.get(), tree.get(), O_CLOEXEC) < 0)
        throw system_failure("take the new root directory");
}

void limit(__rlimit_resource resource, rlim_t most) {
    const rlimit value{most, most};
    if (::setrlimit(resource, &value) < 0)
        throw system_failure("limit resources");
}

void limit_resources() {
    limit(RLIMIT_CORE, 0);
#ifndef __SANITIZE_ADDRESS__
    constexpr rlim_t memory = rlim_t{6} << 30;
    limit(RLIMIT_AS, memory);
#endif
}

void keep_few_capabilities() {
    std::uint64_t kept = 0;
    for (const unsigned capability : kept_capabilities)
        kept |= std::uint64_t{1} << capability;
    const CapabilitySets held = current_capabilities();
    (void)set_capabilities({.effective = held.effective & kept, .permitted = held.permitted & kept});
}

std::vector<std::uint32_t> calls_of_work() {
    return {
#ifdef __NR_poll
        __NR_poll,
#endif
        __NR_ppoll,
        __NR_read,
        __NR_readv,
        __NR_pread64,
        __NR_lseek,
        __NR_write,
        __NR_writev,
        __NR_pwrite64,
        __NR_ftruncate,
        __NR_close,
        __NR_fstat,
        __NR_newfstatat,
        __NR_eventfd2,
        __NR_fadvise64,
        __NR_mmap,
        __NR_munmap,
        __NR_mremap,
        __NR_mprotect,
        __NR_madvise,
        __NR_brk,
        __NR_exit,
        __NR_exit_group,
        __NR_rt_sigreturn,
        __NR_rt_sigprocmask,
        __NR_sigaltstack,
        __NR_clock_gettime,
        __NR_clock_nanosleep,
        __NR_restart_syscall,
        __NR_gettid,
        __NR_getpid,
        __NR_tgkill,
        __NR_getrandom,
        __NR_futex,
        __NR_set_robust_list,
        __NR_rseq,
        __NR_sched_yield,
        __NR_sched_getaffinity};
}

std::vector<std::uint32_t> calls_that_make_files() {
    return {
#ifdef __NR_renameat
        __NR_renameat,
#endif
        __NR_renameat2, __NR_openat,    __NR_mkdirat, __NR_unlinkat,  __NR_linkat, __NR_symlinkat,
        __NR_mknodat,   __NR_fchownat,  __NR_fchown,  __NR_fchmodat,  __NR_fchmod, __NR_utimensat,
        __NR_fsetxattr, __NR_lsetxattr, __NR_fchdir,  __NR_getdents64};
}

} // namespace

void confine(BorrowedFd tree, const std::vector<BorrowedFd>& files, pid_t parent) {
    std::vector<BorrowedFd> kept = files;
    if (tree)
        kept.push_back(tree);
    stand_alone(kept);
    leave_namespaces();
    if (tree)
        make_root(tree);
    else
        become_nobody();
    limit_resources();
    keep_few_capabilities();
    set_no_new_privileges();
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    end_with(parent);
    (void)(tree ? landlock::keep_to_directory(tree) : landlock::change_no_files(false));
    std::vector<std::uint32_t> calls = calls_of_work();
    if (tree)
        std::ranges::copy(calls_that_make_files(), std::back_inserter(calls));
    load_syscall_filter(permit_calls(calls, true));
}

} // namespace machinist
