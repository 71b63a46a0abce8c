// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/cancellation.hpp"

#include "base/failure.hpp"

#include <cerrno>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace machinist {

namespace {

[[noreturn]] void throw_canceled() {
    throw Failure{FailureKind::busy, "canceled", ECANCELED};
}

} // namespace

Cancellation::Cancellation() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!event_)
        throw system_failure("make an event descriptor");
}

void Cancellation::cancel() const noexcept {
    const std::uint64_t one = 1;
    (void)!::write(event_.get(), &one, sizeof one);
}

void Cancellation::check() const {
    pollfd wait{event_.get(), POLLIN, 0};
    if (::poll(&wait, 1, 0) > 0)
        throw_canceled();
}

void wait_unless_canceled(BorrowedFd descriptor, short events, BorrowedFd cancellation) {
    pollfd wait[]{{cancellation.get(), POLLIN, 0}, {descriptor.get(), events, 0}};
    while (::poll(wait, 2, -1) < 0)
        if (errno != EINTR)
            throw system_failure("wait");
    if (cancellation && wait[0].revents != 0)
        throw_canceled();
}

} // namespace machinist
