// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/polkit_agent.hpp"

#include "base/failure.hpp"
#include "base/unique_fd.hpp"
#include "kernel/forked.hpp"
#include "kernel/pipe.hpp"
#include "kernel/syscalls.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr int patience = 10000; // milliseconds until it has registered itself

[[noreturn]] void become_agent(int ready) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    // What it asks must be seen, wherever this program's output goes.
    const int terminal = ::open("/dev/tty", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    for (const int stream : {STDOUT_FILENO, STDERR_FILENO})
        if (terminal >= 0 && !::isatty(stream))
            ::dup2(terminal, stream);
    constexpr int ready_there = 3;
    if (ready == ready_there ? ::fcntl(ready, F_SETFD, 0) == 0 : ::dup2(ready, ready_there) == ready_there) {
        sys::close_range(ready_there + 1, ~0U, 0);
        ::execlp("pkttyagent", "pkttyagent", "--notify-fd", "3", "--fallback", nullptr);
    }
    ::_exit(127);
}

} // namespace

std::unique_ptr<PolkitAgent> PolkitAgent::start_on_terminal() {
    if (::geteuid() == 0 || !::isatty(STDIN_FILENO))
        return nullptr;
    auto [reader, writer] = make_pipe();
    Pidfd process = fork_held();
    if (!process)
        become_agent(writer.get());
    writer.reset();
    // It closes the descriptor once it may be asked, and so does its end.
    pollfd ready{.fd = reader.get(), .events = POLLIN, .revents = 0};
    while (::poll(&ready, 1, patience) < 0 && errno == EINTR)
        continue;
    return std::unique_ptr<PolkitAgent>{new PolkitAgent{std::move(process)}};
}

PolkitAgent::~PolkitAgent() {
    process_.send_signal(SIGTERM);
    // A stopped one takes its signal when it goes on.
    process_.send_signal(SIGCONT);
    siginfo_t end{};
    while (::waitid(P_PIDFD, static_cast<id_t>(process_.descriptor().get()), &end, WEXITED) < 0 && errno == EINTR)
        continue;
}

} // namespace machinist
