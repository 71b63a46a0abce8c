// SPDX-License-Identifier: LGPL-2.1-or-later
// The system calls that the C library of our oldest host does not wrap: raw, returning -1 and errno.
#pragma once

#include <cstdint>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

// <sys/mount.h> of glibc 2.36 and <linux/mount.h> both define these; only the kernel's header is used here.
#ifndef SYS_open_tree
#error "kernel headers of Linux 5.12 or newer are needed"
#endif
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

namespace machinist::sys {

inline int openat2(int directory, const char* path, open_how how) {
    return static_cast<int>(::syscall(SYS_openat2, directory, path, &how, sizeof how));
}
inline int open_tree(int directory, const char* path, unsigned flags) {
    return static_cast<int>(::syscall(SYS_open_tree, directory, path, flags));
}
inline int move_mount(int from, const char* from_path, int to, const char* to_path, unsigned flags) {
    return static_cast<int>(::syscall(SYS_move_mount, from, from_path, to, to_path, flags));
}
inline int fsopen(const char* type, unsigned flags) {
    return static_cast<int>(::syscall(SYS_fsopen, type, flags));
}
inline int fsconfig(int context, unsigned command, const char* key, const char* value, int extra) {
    return static_cast<int>(::syscall(SYS_fsconfig, context, command, key, value, extra));
}
inline int fsmount(int context, unsigned flags, unsigned attributes) {
    return static_cast<int>(::syscall(SYS_fsmount, context, flags, attributes));
}
inline int mount_setattr(int directory, const char* path, unsigned flags, mount_attr attributes) {
    return static_cast<int>(::syscall(SYS_mount_setattr, directory, path, flags, &attributes, sizeof attributes));
}
inline int pivot_root(const char* new_root, const char* put_old) {
    return static_cast<int>(::syscall(SYS_pivot_root, new_root, put_old));
}
inline pid_t clone3(clone_args arguments) {
    return static_cast<pid_t>(::syscall(SYS_clone3, &arguments, sizeof arguments));
}
inline int pidfd_open(pid_t pid, unsigned flags) {
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, flags));
}
inline int pidfd_send_signal(int pidfd, int signal) {
    return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0));
}
inline int close_range(unsigned first, unsigned last, unsigned flags) {
    return static_cast<int>(::syscall(SYS_close_range, first, last, flags));
}

} // namespace machinist::sys
