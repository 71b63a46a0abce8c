// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kept_machine.hpp"

#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

namespace machinist {
namespace {

using Clock = std::chrono::steady_clock;

class AMachineToldToStop : public AKeptMachine {
protected:
    // Process 1 ends with 10 and the number of signals that it got of this one, after as many as wanted.
    void launch_counting(int signal, int wanted) {
        launch([this, signal, wanted] {
            sigset_t set;
            ::sigemptyset(&set);
            ::sigaddset(&set, signal);
            ::sigprocmask(SIG_BLOCK, &set, nullptr);
            machine_says_go();
            for (int count = 0; count < wanted; ++count) {
                int got = 0;
                ::sigwait(&set, &got);
                machine_says_go();
            }
            ::_exit(10 + wanted);
        });
        wait_for_go();
    }
};

TEST_F(AMachineToldToStop, GetsItsKillSignal) {
    orders.kill_signal = SIGRTMIN + 3;
    launch_counting(SIGRTMIN + 3, 1);
    signal_supervisor(SIGTERM);

    EXPECT_EQ(wait_for_end(), (Ended{true, 11}));
}

TEST_F(AMachineToldToStop, GetsItForInterruptAndHangUpToo) {
    orders.kill_signal = SIGRTMIN + 3;
    launch_counting(SIGRTMIN + 3, 1);
    signal_supervisor(SIGHUP);

    EXPECT_EQ(wait_for_end(), (Ended{true, 11}));
}

TEST_F(AMachineToldToStop, IsKilledByTheSecondRequest) {
    orders.kill_signal = SIGRTMIN + 3;
    launch_counting(SIGRTMIN + 3, 2);
    signal_supervisor(SIGINT);
    wait_for_go();
    signal_supervisor(SIGINT);

    EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
    EXPECT_EQ(all_errors(), "Container web terminated by signal KILL.\n");
}

TEST_F(AMachineToldToStop, IsKilledAtOnceWithoutAKillSignal) {
    launch_counting(SIGUSR1, 1);
    signal_supervisor(SIGTERM);

    EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
}

TEST_F(AMachineToldToStop, IsNotDisturbedByOtherSignals) {
    use_outer_manager();
    launch_counting(SIGUSR1, 1);
    // The supervisor has taken over from the launcher, which would die of some of them.
    next_told();
    for (const int signal : {SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGCONT, SIGWINCH, SIGRTMIN + 18})
        signal_supervisor(signal);
    ::kill(leader, SIGUSR1);

    EXPECT_EQ(wait_for_end(), (Ended{true, 11}));
}

TEST_F(AMachineToldToStop, IsUndoneEvenIfSignalsComeAtItsEnd) {
    std::ofstream{directory / "made"};
    use_lines_of_undo("unlink " + (directory / "made").string() + "\n");
    launch([this] {
        machine_says_go();
        ::pause();
    });
    wait_for_go();
    signal_supervisor(SIGTERM);
    wait_for_leader_end();
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGRTMIN + 18})
        signal_supervisor(signal);

    EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
    EXPECT_FALSE(std::filesystem::exists(directory / "made"));
}

TEST_F(AMachineToldToStop, GetsTheSignalOnlyOnceItsInitCanHearIt) {
    use_notify_socket();
    orders.flags = KEEPER_BOOTED;
    orders.kill_signal = SIGRTMIN + 3;
    launch([this] {
        sigset_t set;
        ::sigemptyset(&set);
        ::sigaddset(&set, SIGRTMIN + 3);
        ::sigprocmask(SIG_BLOCK, &set, nullptr);
        notify("X_SYSTEMD_MACHINE_ID=0123456789abcdef0123456789abcdef");
        machine_says_go();
        // Only when the stop has been asked for are handlers said to be there.
        const timespec short_while{.tv_sec = 0, .tv_nsec = 50'000'000};
        const bool too_early = ::sigtimedwait(&set, nullptr, &short_while) > 0;
        notify("X_SYSTEMD_SIGNALS_LEVEL=2");
        int got = 0;
        if (!too_early)
            ::sigwait(&set, &got);
        ::_exit(too_early ? 3 : 4);
    });
    wait_for_go();
    signal_supervisor(SIGTERM);

    EXPECT_EQ(wait_for_end(), (Ended{true, 4}));
}

TEST_F(AMachineToldToStop, IsKilledByTheSecondRequestEvenBeforeItListens) {
    use_notify_socket();
    orders.flags = KEEPER_BOOTED;
    orders.kill_signal = SIGRTMIN + 3;
    launch([this] {
        machine_says_go();
        ::pause();
    });
    wait_for_go();
    const auto start = Clock::now();
    // Signals of one kind merge while they wait; these are two.
    signal_supervisor(SIGTERM);
    signal_supervisor(SIGINT);

    EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
    EXPECT_LT(Clock::now() - start, std::chrono::seconds{4});
}

} // namespace
} // namespace machinist
