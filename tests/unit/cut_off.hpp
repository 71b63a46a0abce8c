// SPDX-License-Identifier: LGPL-2.1-or-later
// Ends a piece of work with SIGKILL before each of its system calls in turn: whatever is promised "at any cut" is tried
// at every one.
#pragma once

#include <cerrno>
#include <csignal>
#include <functional>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist::testing {

// Whoever a killed process left behind ends with it, but a moment later. group: the one that it made for itself.
inline void wait_for_orphans(pid_t group) {
    while (::waitpid(-group, nullptr, 0) > 0 || errno == EINTR)
        continue;
}

// Runs work in a process that is killed before its system call number `calls`. True if it got to its end before.
inline bool ends_before_call(int calls, const std::function<void()>& work) {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    const pid_t child = ::fork();
    if (child == 0) {
        ::setpgid(0, 0);
        ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
        ::raise(SIGSTOP);
        try {
            work();
        } catch (const std::exception&) {
            ::_exit(1);
        }
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
    // Each call stops twice: before and after.
    for (int stops = 0; stops < 2 * calls - 1;) {
        ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
        ::waitpid(child, &status, 0);
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            wait_for_orphans(child);
            return true;
        }
        if (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80))
            ++stops;
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
    wait_for_orphans(child);
    return false;
}

// prepare, then work cut off a little later each time, then check, until the work gets to its end; that is checked too.
// Returns how many cuts there were.
inline int at_every_cut(const std::function<void()>& prepare, const std::function<void()>& work,
                        const std::function<void(bool complete)>& check) {
    for (int calls = 1;; ++calls) {
        prepare();
        const bool complete = ends_before_call(calls, work);
        check(complete);
        if (complete)
            return calls - 1;
    }
}

} // namespace machinist::testing
