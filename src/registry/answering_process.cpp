// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/answering_process.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

[[noreturn]] void execute_in_child(const PreparedEntry& prepared) {
    try {
        // Who asked does not wait any more if it is gone.
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigset_t none;
        ::sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        const UniqueFd nothing = open_path("/dev/null", O_RDWR);
        for (const int stream : {STDIN_FILENO, STDOUT_FILENO})
            ::dup2(nothing.get(), stream);
        prepared.execute();
    } catch (const Failure&) {
        // The end of the socket says it.
    }
    ::_exit(EXIT_FAILURE);
}

} // namespace

AnsweringProcess::AnsweringProcess(const PreparedEntry& prepared, UniqueFd socket) : socket_(std::move(socket)) {
    process_ = fork_held();
    if (!process_)
        execute_in_child(prepared);
}

AnsweringProcess::~AnsweringProcess() {
    if (!process_)
        return;
    process_.send_signal(SIGKILL);
    // A filesystem of the machine's own making can hold even a killed process: it is not waited for then, and stays in
    // the process table for as long as it is held.
    constexpr int milliseconds_to_end = 50;
    (void)process_.wait_for_end(milliseconds_to_end);
    siginfo_t end{};
    (void)::waitid(P_PIDFD, static_cast<id_t>(process_.descriptor().get()), &end, WEXITED | WNOHANG);
}

} // namespace machinist
