// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/forked.hpp"

#include "base/failure.hpp"
#include "kernel/syscalls.hpp"

#include <csignal>

namespace machinist {

Pidfd fork_held(std::uint64_t flags, BorrowedFd cgroup) {
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = flags | CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    if (cgroup) {
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(cgroup.get());
    }
    const pid_t pid = sys::clone3(arguments);
    if (pid < 0)
        throw system_failure("start a process");
    return pid == 0 ? Pidfd{} : Pidfd{UniqueFd{pidfd}, pid};
}

} // namespace machinist
