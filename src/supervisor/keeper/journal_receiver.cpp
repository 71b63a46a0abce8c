// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/journal_receiver.hpp"

#include "kernel/syscalls.hpp"
#include "supervisor/keeper/clock.hpp"

#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/wait.h>

namespace machinist::keeper {

namespace {

// It may have much to write still.
constexpr Milliseconds patience = 10000;

bool ends_until(BorrowedFd pidfd, Milliseconds until) {
    pollfd end{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    int count = 0;
    do
        count = ::poll(&end, 1, timeout_until(until));
    while (count < 0 && errno == EINTR);
    return count > 0;
}

} // namespace

void end_journal_receiver(UniqueFd pidfd) {
    if (!pidfd)
        return;
    sys::pidfd_send_signal(pidfd.get(), SIGTERM);
    if (!ends_until(pidfd, now() + patience))
        sys::pidfd_send_signal(pidfd.get(), SIGKILL);
    siginfo_t end{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &end, WEXITED) < 0 && errno == EINTR)
        continue;
}

} // namespace machinist::keeper
