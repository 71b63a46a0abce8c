// SPDX-License-Identifier: LGPL-2.1-or-later
// machinist-enter: joins one running machine, runs one command in it and exits as the command did, or does one errand.
#include "base/failure.hpp"
#include "enter/errands.hpp"
#include "enter/order.hpp"
#include "enter/relaying.hpp"
#include "enter/report.hpp"
#include "enter/session.hpp"
#include "kernel/files.hpp"
#include "kernel/sealed_program.hpp"
#include "spec/job_result.hpp"

#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/prctl.h>
#include <unistd.h>

namespace machinist::enter {

namespace {

// Descriptor numbers below 3 must mean streams before anything else is opened.
void have_streams() {
    while (true) {
        const int descriptor = ::open("/dev/null", O_RDWR);
        if (descriptor < 0 || descriptor > STDERR_FILENO) {
            ::close(descriptor);
            return;
        }
    }
}

std::uint64_t microseconds(const timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(time.tv_usec);
}

void write_down(BorrowedFd file, const Outcome& outcome) {
    constexpr std::uint64_t kilobyte = 1024;
    write_all(file, write_job_result({.status = outcome.status,
                                      .failure = outcome.failure ? outcome.failure->what() : "",
                                      .user_us = microseconds(outcome.used.ru_utime),
                                      .system_us = microseconds(outcome.used.ru_stime),
                                      .memory_peak = static_cast<std::uint64_t>(outcome.used.ru_maxrss) * kilobyte}));
}

// Whoever reads the file learns of every failure.
Outcome session_of(const Order& order) {
    try {
        return run_session(order);
    } catch (const Failure& failure) {
        if (!order.result)
            throw;
        return {.status = status_not_entered, .failure = failure};
    }
}

void say_goodbye(const Order& order) {
    if (order.escapable && !order.quiet && ::isatty(STDIN_FILENO))
        std::fprintf(stderr, "\nConnection to machine %s terminated.\n", order.machine.c_str());
}

int run(int count, char** words) {
    have_streams();
    ::prctl(PR_SET_DUMPABLE, 0);
    ::prctl(PR_SET_NAME, "machinist-enter");
    if (!runs_from_sealed_program())
        execute_sealed_program(make_sealed_program("/proc/self/exe"), {words, words + count});
    const Order order = read_order(count, words);
    if (order.relay) {
        const int status = relay_terminal(order);
        say_goodbye(order);
        return status;
    }
    if (order.errand)
        return do_errand(order);
    const Outcome outcome = doing("enter machine '" + order.machine + "'", [&] { return session_of(order); });
    if (order.result)
        write_down(order.result, outcome);
    if (outcome.failure)
        std::fprintf(stderr, "machinist: machine '%s': %s\n", order.machine.c_str(), outcome.failure->what());
    else
        say_goodbye(order);
    return outcome.status;
}

} // namespace

} // namespace machinist::enter

int main(int count, char** words) {
    int status = machinist::enter::status_not_entered;
    try {
        status = machinist::enter::run(count, words);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "machinist: %s\n", failure.what());
    }
    // Children of this process are the machine's by now: nothing that an exit handler starts would find it.
    ::_exit(status);
}
