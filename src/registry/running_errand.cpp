// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/running_errand.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"
#include "kernel/sockets.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
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

std::string about(const Machine& machine) {
    return "machine '" + machine.name() + "'";
}

} // namespace

RunningErrand::RunningErrand(const Machine& machine, const Errand& errand, const Places& places, const Entry& entry) {
    auto [ours, theirs] = make_message_socket_pair();
    answer_ = std::move(ours);
    start(prepare_errand(machine, errand, entry, std::move(theirs), places));
}

RunningErrand::RunningErrand(const PreparedEntry& prepared, UniqueFd answer) : answer_(std::move(answer)) {
    start(prepared);
}

void RunningErrand::start(const PreparedEntry& prepared) {
    program_ = prepared.arguments.front();
    process_ = fork_held();
    if (!process_)
        execute_in_child(prepared);
}

RunningErrand::~RunningErrand() {
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

ErrandAnswer RunningErrand::finish() {
    ReceivedMessage message = receive_message(answer_);
    if (message.end)
        throw Failure{FailureKind::internal, program_ + " ended without an answer"};
    return {.text = read_errand_message(message.bytes), .descriptors = std::move(message.descriptors)};
}

ErrandAnswer run_errand(const Machine& machine, const Errand& errand, const Places& places,
                        std::optional<std::chrono::milliseconds> patience, const Entry& entry) {
    return doing(about(machine), [&] {
        RunningErrand running{machine, errand, places, entry};
        pollfd ready{.fd = running.answer_socket().get(), .events = POLLIN, .revents = 0};
        if (patience && ::poll(&ready, 1, static_cast<int>(patience->count())) == 0)
            throw Failure{FailureKind::timed_out,
                          "no answer for " + std::to_string(patience->count() / 1000) + " seconds"};
        return running.finish();
    });
}

} // namespace machinist
