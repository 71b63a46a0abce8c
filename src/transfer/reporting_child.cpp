// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/reporting_child.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"
#include "kernel/pipe.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

[[noreturn]] void work_in_child(const std::function<void(BorrowedFd, pid_t)>& work, BorrowedFd report, pid_t parent) {
    try {
        work(report, parent);
        ::_exit(0);
    } catch (const Failure& failure) {
        try {
            write_all(report, "F" + failure.serialize());
        } catch (const Failure&) {
            // The other end has gone.
        }
    } catch (const std::exception&) {
        // The end without a word says it.
    }
    ::_exit(1);
}

siginfo_t end_of(const Pidfd& child) {
    siginfo_t end{};
    while (::waitid(P_PIDFD, static_cast<id_t>(child.descriptor().get()), &end, WEXITED) < 0)
        if (errno != EINTR)
            throw system_failure("wait for the process that works");
    return end;
}

} // namespace

siginfo_t hear_from_child(const Cancellation& cancellation, const std::function<void(BorrowedFd, pid_t)>& work,
                          const std::function<void(std::string_view)>& hear) {
    auto [from, to] = make_pipe();
    const pid_t self = ::getpid();
    const Pidfd child = fork_held();
    if (!child)
        work_in_child(work, to, self);
    to.reset();
    try {
        for (;;) {
            wait_unless_canceled(from, POLLIN, cancellation.descriptor());
            char buffer[16384];
            const ssize_t count = ::read(from.get(), buffer, sizeof buffer);
            if (count < 0 && errno == EINTR)
                continue;
            if (count <= 0)
                break;
            hear({buffer, static_cast<std::size_t>(count)});
        }
    } catch (...) {
        child.send_signal(SIGKILL);
        (void)end_of(child);
        throw;
    }
    return end_of(child);
}

} // namespace machinist
