// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/arrival.hpp"

#include "base/failure.hpp"
#include "enter/newcomer.hpp"
#include "kernel/sockets.hpp"
#include "kernel/syscalls.hpp"

#include <cerrno>
#include <csignal>
#include <sched.h>

namespace machinist::enter {

Arrival start_newcomer(const Order& order, const LeaderView& leader) {
    auto [ours, theirs] = make_message_socket_pair();
    if ((leader.namespaces & CLONE_NEWPID) != 0 && ::setns(order.leader.descriptor().get(), CLONE_NEWPID) < 0)
        throw system_failure("join its process ids");
    int pidfd = -1;
    clone_args arguments{};
    arguments.flags = CLONE_PIDFD;
    arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
    arguments.exit_signal = SIGCHLD;
    if (leader.cgroup) {
        // Born there: moving it later waits for a grace period of the kernel, many milliseconds.
        arguments.flags |= CLONE_INTO_CGROUP;
        arguments.cgroup = static_cast<std::uint64_t>(leader.cgroup.get());
    }
    const pid_t pid = sys::clone3(arguments);
    if (pid == 0) {
        ours.reset();
        go_in(order, leader, std::move(theirs));
    }
    // A pid namespace whose process 1 has ended takes nobody in.
    if (pid < 0 && errno == ENOMEM && !order.leader.alive())
        throw Failure{FailureKind::not_found, "the machine has ended"};
    if (pid < 0)
        throw system_failure("start a process in it");
    return {.process = Pidfd{UniqueFd{pidfd}, pid}, .told = std::move(ours)};
}

} // namespace machinist::enter
