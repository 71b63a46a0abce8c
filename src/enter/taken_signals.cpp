// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/taken_signals.hpp"

#include "base/failure.hpp"

#include <sys/signalfd.h>

namespace machinist::enter {

UniqueFd open_signals(std::span<const int> signals, sigset_t& before) {
    sigset_t taken;
    ::sigemptyset(&taken);
    for (const int signal : signals) {
        struct sigaction action {};
        if (::sigaction(signal, nullptr, &action) == 0 && action.sa_handler != SIG_IGN)
            ::sigaddset(&taken, signal);
    }
    ::sigaddset(&taken, SIGWINCH);
    if (::sigprocmask(SIG_BLOCK, &taken, &before) < 0)
        throw system_failure("block signals");
    ::signal(SIGPIPE, SIG_IGN);
    UniqueFd descriptor{::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!descriptor)
        throw system_failure("open signals");
    return descriptor;
}

} // namespace machinist::enter
