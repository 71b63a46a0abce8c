// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/job_process.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

[[noreturn]] void execute_in_child(const PreparedEntry& prepared, const std::array<BorrowedFd, 3>& streams) {
    try {
        (void)::setsid();
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::signal(SIGPIPE, SIG_DFL);
        // First out of the way of the numbers that they are to have.
        std::array<UniqueFd, 3> moved;
        for (std::size_t at = 0; at < streams.size(); ++at)
            moved[at] = streams[at] ? UniqueFd{::fcntl(streams[at].get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1)}
                                    : open_path("/dev/null", O_RDWR | O_NOCTTY);
        for (std::size_t at = 0; at < streams.size(); ++at)
            if (::dup2(moved[at].get(), static_cast<int>(at)) < 0)
                throw system_failure("take the streams");
        prepared.execute();
    } catch (const Failure&) {
        // The empty result says it.
    }
    ::_exit(EXIT_FAILURE);
}

} // namespace

Pidfd start_job_process(const Machine& machine, const Entry& entry, std::array<BorrowedFd, 3> streams,
                        const std::filesystem::path& result, const Places& places) {
    UniqueFd file = open_path(result, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
    const PreparedEntry prepared = prepare_entry(machine, entry, places, std::move(file));
    Pidfd process = fork_held();
    if (!process)
        execute_in_child(prepared, streams);
    return process;
}

} // namespace machinist
