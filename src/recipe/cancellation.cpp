// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recipe/cancellation.hpp"

#include <cerrno>
#include <string>
#include <sys/signalfd.h>
#include <unistd.h>

namespace machinist {

Cancellation::Cancellation() {
    sigset_t ends{};
    ::sigemptyset(&ends);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP})
        ::sigaddset(&ends, signal);
    ::sigprocmask(SIG_BLOCK, &ends, &before_);
    signals_ = UniqueFd{::signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK)};
    if (!signals_) {
        const Failure failure = system_failure("listen for signals");
        ::sigprocmask(SIG_SETMASK, &before_, nullptr);
        throw failure;
    }
}

Cancellation::~Cancellation() {
    // One that came has been answered by the failure it led to.
    (void)signal();
    ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

int Cancellation::signal() {
    signalfd_siginfo told{};
    while (::read(signals_.get(), &told, sizeof told) == static_cast<ssize_t>(sizeof told))
        if (signal_ == 0)
            signal_ = static_cast<int>(told.ssi_signo);
    return signal_;
}

void Cancellation::check() {
    if (signal() != 0)
        throw Failure{FailureKind::system, "cancelled by signal " + std::to_string(signal_), EINTR};
}

} // namespace machinist
