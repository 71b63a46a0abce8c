// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kept_machine.hpp"

#include <csignal>
#include <cstring>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Process 1's death by a signal, which its own default disposition must allow.
void die_of(int signal) {
    ::signal(signal, SIG_DFL);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::raise(signal);
}

TEST_F(AKeptMachine, GivesItsExitStatusOn) {
    EXPECT_EQ(run([] { ::_exit(7); }), (Ended{true, 7}));
}

TEST_F(AKeptMachine, CannotFeignARebootByItsExitStatus) {
    EXPECT_EQ(run([] { ::_exit(133); }), (Ended{true, 1}));
}

TEST_F(AKeptMachine, EndsWellWhenItPowersOff) {
    EXPECT_EQ(run([] { die_of(SIGINT); }), (Ended{true, 0}));
    EXPECT_THAT(all_errors(), IsEmpty());
}

TEST_F(AKeptMachine, EndsWith133WhenItRebootsInAUnit) {
    orders.flags = KEEPER_KEEP_UNIT;

    EXPECT_EQ(run([] { die_of(SIGHUP); }), (Ended{true, 133}));
}

TEST_F(AKeptMachine, SaysWhichSignalEndedIt) {
    EXPECT_EQ(run([] { die_of(SIGKILL); }), (Ended{true, 1}));
    EXPECT_EQ(all_errors(), "Container web terminated by signal KILL.\n");
}

TEST_F(AKeptMachine, KeepsQuietAboutTheSignalWhenAsked) {
    orders.flags = KEEPER_QUIET;

    EXPECT_EQ(run([] { die_of(SIGSEGV); }), (Ended{true, 1}));
    EXPECT_THAT(all_errors(), IsEmpty());
}

TEST_F(AKeptMachine, LeavesNothingOfItsRunDirectory) {
    std::ofstream{run_directory / "leader"} << "1 2 3\n";
    std::filesystem::create_symlink("/", run_directory / "unix-export");

    run([] { ::_exit(0); });

    EXPECT_TRUE(std::filesystem::is_empty(directory));
}

TEST_F(AKeptMachine, WritesItsExitStatusIntoTheRunDirectory) {
    // What cannot be undone keeps the directory, under a name that is not the machine's.
    use_lines_of_undo("forget /nothing\n");

    EXPECT_EQ(run([] { ::_exit(42); }), (Ended{true, 42}));

    ASSERT_EQ(names_in(directory).size(), 1U);
    const auto left = directory / *names_in(directory).begin();
    EXPECT_THAT(left.filename().string(), StartsWith(".#removed."));
    EXPECT_EQ(text_of(left / "exit"), "42\n");
    EXPECT_EQ(text_of(left / "undo"), "forget /nothing\n");
}

TEST_F(AKeptMachine, ReapsStraysWithoutTakingThemForProcess1) {
    launch([this] {
        if (::fork() == 0) {
            // Orphaned by process 1 below, it ends before process 1 does.
            if (::fork() == 0)
                ::_exit(5);
            ::_exit(6);
        }
        int status = 0;
        ::wait(&status);
        machine_says_go();
        ::_exit(8);
    });

    EXPECT_EQ(wait_for_end(), (Ended{true, 8}));
}

class ARebootingMachine : public AKeptMachine {
protected:
    ARebootingMachine() {
        // Stands for the launcher: says what it got, and ends with a status of its own.
        const auto launcher = directory / "launcher";
        std::ofstream{launcher} << "#!/bin/sh\n"
                                   "echo \"again: $1\"\n"
                                   "od -An -t d4 -w20 -j 12 -N 20 /proc/self/fd/$2 | tr -s ' '\n"
                                   "[ -e "
                                << run_directory.string() << "/notify ] && echo stale\n"
                                << "ls /proc/self/fd | tr '\\n' ' '\n"
                                   "exit 21\n";
        ::chmod(launcher.c_str(), 0755);
        std::strcpy(orders.launcher, launcher.c_str());
        environment.push_back("PATH=/usr/bin:/bin");
        orders.flags = KEEPER_FIRST_START;
    }
};

TEST_F(ARebootingMachine, IsStartedAgainByTheLauncher) {
    EXPECT_EQ(run([] { die_of(SIGHUP); }), (Ended{true, 21}));

    // Flags without FIRST_START, and no leader.
    EXPECT_THAT(all_output(), HasSubstr("again: --start-again\n 0 -1 0 2 -1\n"));
}

TEST_F(ARebootingMachine, KeepsItsRunDirectoryAndLock) {
    run([] { die_of(SIGHUP); });

    EXPECT_TRUE(std::filesystem::exists(run_directory / "lock"));
}

TEST_F(ARebootingMachine, ForgetsWhatTheFormerStartTold) {
    use_notify_socket();

    run([this] {
        notify("READY=1");
        die_of(SIGHUP);
    });

    EXPECT_THAT(all_output(), ::testing::Not(HasSubstr("stale")));
}

TEST_F(ARebootingMachine, StaysDownWhenItsEndWasAskedFor) {
    orders.kill_signal = SIGUSR1;
    launch([this] {
        sigset_t wanted;
        ::sigemptyset(&wanted);
        ::sigaddset(&wanted, SIGUSR1);
        ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
        machine_says_go();
        int got = 0;
        ::sigwait(&wanted, &got);
        die_of(SIGHUP);
    });
    wait_for_go();
    signal_supervisor(SIGTERM);

    EXPECT_EQ(wait_for_end(), (Ended{true, 0}));
}

TEST_F(ARebootingMachine, IsUndoneWhenTheLauncherIsMissing) {
    std::strcpy(orders.launcher, "/nonexistent/launcher");

    EXPECT_EQ(run([] { die_of(SIGHUP); }), (Ended{true, 1}));
    EXPECT_THAT(all_errors(), HasSubstr("start again by '/nonexistent/launcher': No such file or directory"));
    EXPECT_FALSE(std::filesystem::exists(run_directory));
}

} // namespace
} // namespace machinist
