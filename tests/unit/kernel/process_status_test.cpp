// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/process_status.hpp"

#include "base/failure.hpp"

#include <csignal>
#include <ctime>
#include <gtest/gtest.h>
#include <string>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

TEST(AProcessStatus, IsReadWhateverTheProcessCallsItself) {
    ASSERT_EQ(::prctl(PR_SET_NAME, "a) b\nCapBnd:\t0"), 0);

    const ProcessStatus status = read_process_status(::getpid());
    const auto start_time = start_time_of(::getpid());

    ::prctl(PR_SET_NAME, "kernel_test");
    EXPECT_EQ(status.name, "a) b\\nCapBnd:\t0");
    ASSERT_TRUE(start_time);
    timespec now{};
    ::clock_gettime(CLOCK_BOOTTIME, &now);
    const auto seconds = static_cast<double>(microseconds_of(*start_time)) / 1e6;
    EXPECT_NEAR(seconds, static_cast<double>(now.tv_sec), 600);
}

TEST(AProcessStatus, TellsWhichSignalsAreAwaited) {
    ::signal(SIGUSR2, [](int) {});
    sigset_t blocked;
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGRTMIN + 4);
    ::sigprocmask(SIG_BLOCK, &blocked, nullptr);

    const std::uint64_t awaited = read_process_status(::getpid()).awaited_signals;

    ::sigprocmask(SIG_UNBLOCK, &blocked, nullptr);
    ::signal(SIGUSR2, SIG_DFL);
    EXPECT_TRUE(awaited >> (SIGUSR2 - 1) & 1);
    EXPECT_TRUE(awaited >> (SIGRTMIN + 4 - 1) & 1);
    EXPECT_FALSE(awaited >> (SIGUSR1 - 1) & 1);
}

TEST(AProcessStatus, TellsWhetherTheProcessRunsAProgramOfItsOwn) {
    const pid_t pid = ::fork();
    if (pid == 0)
        while (true)
            ::pause();

    const bool is_forked_only = has_not_executed(pid);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);

    EXPECT_TRUE(is_forked_only);
    EXPECT_FALSE(has_not_executed(::getpid()));
    EXPECT_FALSE(has_not_executed(pid));
}

TEST(AProcessStatus, TellsThatTheProcessWaitsForSignals) {
    const pid_t pid = ::fork();
    if (pid == 0) {
        sigset_t waited;
        ::sigemptyset(&waited);
        ::sigaddset(&waited, SIGUSR1);
        ::sigprocmask(SIG_BLOCK, &waited, nullptr);
        ::sigwaitinfo(&waited, nullptr);
        while (true)
            ::pause();
    }
    bool waits = false;
    for (int attempt = 0; attempt < 200 && !(waits = waits_for_signals(pid)); ++attempt)
        ::usleep(10'000);
    EXPECT_TRUE(waits);

    ::kill(pid, SIGUSR1);
    for (int attempt = 0; attempt < 200 && (waits = waits_for_signals(pid)); ++attempt)
        ::usleep(10'000);
    EXPECT_FALSE(waits);
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

TEST(AProcessStatus, IsOfNobodyOnceTheProcessIsGone) {
    const pid_t pid = ::fork();
    if (pid == 0)
        ::_exit(0);
    ::waitpid(pid, nullptr, 0);

    EXPECT_THROW(read_process_status(pid), Failure);
    EXPECT_FALSE(start_time_of(pid));
}

} // namespace machinist
