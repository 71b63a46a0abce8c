// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/signals.hpp"

#include <cerrno>
#include <sys/signalfd.h>

namespace machinist::keeper {

namespace {

// TTIN and TTOU: in the background we get EIO and may still restore the terminal, instead of being stopped.
// The others would end us by default, and with us the machine's keeping, without meaning it.
constexpr int ignored[] = {SIGPIPE, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR};

// systemd asks for memory back by it; there is none to give.
int memory_pressure() {
    return SIGRTMIN + 18;
}

} // namespace

Signals::Signals() {
    ::sigemptyset(&read_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGURG, SIGCHLD, SIGCONT, SIGWINCH, memory_pressure()})
        ::sigaddset(&read_, signal);
    ::sigprocmask(SIG_BLOCK, nullptr, &found_);
    take();
    // An ignored SIGCHLD would be inherited from a careless caller, and then nobody had a status.
    ::signal(SIGCHLD, SIG_DFL);
    descriptor_ = UniqueFd{::signalfd(-1, &read_, SFD_CLOEXEC | SFD_NONBLOCK)};
}

void Signals::take() const {
    ::sigprocmask(SIG_BLOCK, &read_, nullptr);
    for (const int signal : ignored)
        ::signal(signal, SIG_IGN);
}

int Signals::next() const {
    signalfd_siginfo information;
    ssize_t size = 0;
    do
        size = ::read(descriptor_.get(), &information, sizeof information);
    while (size < 0 && errno == EINTR);
    return size == static_cast<ssize_t>(sizeof information) ? static_cast<int>(information.ssi_signo) : 0;
}

void Signals::give_back() const {
    for (const int signal : ignored)
        ::signal(signal, SIG_DFL);
    // Ignoring forgets one that waits, which would end us as soon as it is let through.
    ::signal(memory_pressure(), SIG_IGN);
    ::signal(memory_pressure(), SIG_DFL);
    ::sigprocmask(SIG_SETMASK, &found_, nullptr);
}

} // namespace machinist::keeper
