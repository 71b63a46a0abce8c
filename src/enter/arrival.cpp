// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/arrival.hpp"

#include "base/failure.hpp"
#include "enter/newcomer.hpp"
#include "kernel/forked.hpp"
#include "kernel/sockets.hpp"

#include <sched.h>

namespace machinist::enter {

namespace {

Pidfd born_in(const Order& order, const LeaderView& leader) {
    try {
        return fork_held(0, leader.cgroup);
    } catch (const Failure&) {
        // A pid namespace whose process 1 has ended takes nobody in.
        if (!order.leader.alive())
            throw Failure{FailureKind::not_found, "the machine has ended"};
        throw;
    }
}

} // namespace

Arrival start_newcomer(const Order& order, const LeaderView& leader) {
    auto [ours, theirs] = make_message_socket_pair();
    if ((leader.namespaces & CLONE_NEWPID) != 0 && ::setns(order.leader.descriptor().get(), CLONE_NEWPID) < 0)
        throw system_failure("join its process ids");
    Pidfd process = born_in(order, leader);
    if (!process) {
        ours.reset();
        go_in(order, leader, std::move(theirs));
    }
    return {.process = std::move(process), .told = std::move(ours)};
}

} // namespace machinist::enter
