// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/relay.hpp"

#include "base/failure.hpp"

#include <cerrno>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

void relay(const PreparedEntry& prepared) {
    const pid_t pid = ::fork();
    if (pid < 0)
        throw system_failure("start a process");
    if (pid == 0) {
        try {
            prepared.execute();
        } catch (const Failure&) {
            ::_exit(EXIT_FAILURE);
        }
    }
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR)
        continue;
}

} // namespace machinist
