// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells when leaders end. All pidfds are in one epoll instance, which is one source of the event loop: a source of its
// own would cost more than most of what else is kept of a machine.
#pragma once

#include "bus/event_loop.hpp"
#include "kernel/pidfd.hpp"

#include <functional>
#include <sys/types.h>

namespace machinist {

class LeaderWatch {
public:
    // ended gets the number that the leader had. It may forget leaders, also this one.
    LeaderWatch(EventLoop& loop, std::function<void(pid_t)> ended);

    // Until it has ended or is forgotten, which must be before its descriptor is closed. Throws Failure.
    void add(const Pidfd& leader);
    void forget(const Pidfd& leader) noexcept;

private:
    void look();

    std::function<void(pid_t)> ended_;
    UniqueFd leaders_;
    EventSource some_ended_;
};

} // namespace machinist
