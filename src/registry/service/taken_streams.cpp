// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/taken_streams.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <csignal>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

void take_streams(const CallersStreams& streams) {
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
}

} // namespace machinist
