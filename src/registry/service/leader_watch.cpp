// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/leader_watch.hpp"

#include "base/failure.hpp"

#include <sys/epoll.h>

namespace machinist {

LeaderWatch::LeaderWatch(EventLoop& loop, std::function<void(pid_t)> ended)
    : ended_(std::move(ended)), leaders_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (!leaders_)
        throw system_failure("watch the machines' leaders");
    some_ended_ = loop.when_readable(leaders_, [this] { look(); });
}

void LeaderWatch::add(const Pidfd& leader) {
    epoll_event wanted{};
    // Once: an ended process stays readable.
    wanted.events = EPOLLIN | EPOLLONESHOT;
    wanted.data.fd = leader.pid();
    if (::epoll_ctl(leaders_.get(), EPOLL_CTL_ADD, leader.descriptor().get(), &wanted) < 0)
        throw system_failure("watch process " + std::to_string(leader.pid()));
}

void LeaderWatch::forget(const Pidfd& leader) noexcept {
    (void)::epoll_ctl(leaders_.get(), EPOLL_CTL_DEL, leader.descriptor().get(), nullptr);
}

// One at a time: what one end leads to may make the machine of another one go.
void LeaderWatch::look() {
    epoll_event happened{};
    if (::epoll_wait(leaders_.get(), &happened, 1, 0) == 1)
        ended_(happened.data.fd);
}

} // namespace machinist
