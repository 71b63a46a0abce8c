// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kept_machine.hpp"

#include <csignal>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class AMachineThatNotifies : public AKeptMachine {
protected:
    AMachineThatNotifies() {
        use_notify_socket();
    }
    // Process 1 tells this, then waits to be killed.
    void launch_telling(std::vector<std::string> messages) {
        launch([this, messages] {
            for (const std::string& message : messages)
                notify(message);
            ::pause();
        });
    }
    void end() {
        signal_supervisor(SIGTERM);
        EXPECT_EQ(wait_for_end(), (Ended{true, 1}));
    }
};

TEST_F(AMachineThatNotifies, HasTheLatestOfEachFieldInItsRunDirectory) {
    launch_telling({"X_SYSTEMD_MACHINE_ID=0123456789abcdef0123456789abcdef", "X_SYSTEMD_HOSTNAME=web",
                    "X_SYSTEMD_SIGNALS_LEVEL=2", "STATUS=Starting...", "X_SYSTEMD_UNIT_ACTIVE=basic.target",
                    "X_SYSTEMD_UNIT_ACTIVE=multi-user.target", "READY=1\nSTATUS=Ready."});

    EXPECT_EQ(notify_file_with("READY=1"), "X_SYSTEMD_MACHINE_ID=0123456789abcdef0123456789abcdef\n"
                                           "X_SYSTEMD_HOSTNAME=web\n"
                                           "X_SYSTEMD_SIGNALS_LEVEL=2\n"
                                           "X_SYSTEMD_UNIT_ACTIVE=multi-user.target\n"
                                           "READY=1\n"
                                           "STATUS=Ready.\n");
    end();
}

TEST_F(AMachineThatNotifies, StaysReadyOnceItWas) {
    launch_telling({"READY=1", "READY=0\nRELOADING=1", "STATUS=on"});

    EXPECT_EQ(notify_file_with("STATUS=on"), "READY=1\nSTATUS=on\n");
    end();
}

TEST_F(AMachineThatNotifies, IsHeardOnlyThroughItsProcess1) {
    launch([this] {
        if (::fork() == 0) {
            notify("READY=1\nSTATUS=from a stranger");
            ::_exit(0);
        }
        int status = 0;
        ::wait(&status);
        notify("STATUS=from process 1");
        ::pause();
    });

    EXPECT_EQ(notify_file_with("STATUS"), "STATUS=from process 1\n");
    end();
}

TEST_F(AMachineThatNotifies, CannotInjectLinesOrControlCharacters) {
    launch_telling({"STATUS=one\rtwo\033[31m\x7f\xc2\x9b\xff end", std::string{"READY=1\nSTATUS=a\0b", 18},
                    "X_SYSTEMD_HOSTNAME=last"});

    EXPECT_EQ(notify_file_with("HOSTNAME"), "STATUS=one?two?[31m???? end\nX_SYSTEMD_HOSTNAME=last\n");
    end();
}

TEST_F(AMachineThatNotifies, CannotFillTheHost) {
    std::vector<std::string> flood{"STATUS=" + std::string(3000, 's'), "READY=1\n" + std::string(5000, 'x')};
    for (int number = 0; number < 200; ++number)
        flood.push_back("X_SYSTEMD_F" + std::to_string(number) + "=" + std::string(2000, 'v'));
    flood.push_back("MAINPID=1\nBARRIER=1\nerrno=2\nX_SYSTEMD_lower=no\n=\nX_SYSTEMD_" + std::string(100, 'L') + "=1");
    flood.push_back("X_SYSTEMD_SHUTDOWN=reboot\nEXIT_STATUS=0");
    launch_telling(flood);

    const std::string told = notify_file_with("EXIT_STATUS=0\n");
    EXPECT_LT(told.size(), 2500U);
    EXPECT_THAT(told, Not(HasSubstr("READY")));
    EXPECT_THAT(told, Not(HasSubstr("lower")));
    EXPECT_THAT(told, HasSubstr("X_SYSTEMD_SHUTDOWN=reboot\n"));
    end();
}

TEST_F(AMachineThatNotifies, TellsItsLastWordsBeforeItsEnd) {
    // A line that cannot be undone keeps the directory for us to see.
    use_lines_of_undo("forget /nothing\n");

    run([this] {
        notify("X_SYSTEMD_SHUTDOWN=poweroff\nEXIT_STATUS=0");
        ::_exit(0);
    });

    std::string told;
    for (const std::string& name : names_in(directory))
        if (name.starts_with(".#removed."))
            told = text_of(directory / name / "notify");
    EXPECT_EQ(told, "X_SYSTEMD_SHUTDOWN=poweroff\nEXIT_STATUS=0\n");
}

TEST_F(AMachineThatNotifies, CannotLeaveDescriptorsWithTheSupervisor) {
    launch([this] {
        const int descriptors[] = {0, 1, 2};
        for (int count = 0; count < 10; ++count)
            notify("FDSTORE=1\nFDNAME=x", descriptors);
        notify("STATUS=done");
        ::pause();
    });
    notify_file_with("STATUS=done");

    // Standard streams, leader, signals, epoll, notify socket, run directory, lock and what the test's console takes.
    const auto open_descriptors = names_in("/proc/" + std::to_string(supervisor) + "/fd");
    EXPECT_LE(open_descriptors.size(), 10U);
    end();
}

class AMachineInAService : public AMachineThatNotifies {
protected:
    AMachineInAService() {
        use_outer_manager();
    }
};

TEST_F(AMachineInAService, AnnouncesItselfAndItsReadiness) {
    launch_telling({});

    EXPECT_EQ(next_told(), "STATUS=Container started.\nX_NSPAWN_LEADER_PID=" + std::to_string(leader));
    EXPECT_EQ(next_told(), "READY=1");
    end();
}

TEST_F(AMachineInAService, LeavesReadinessToTheMachineWhenAsked) {
    orders.flags = KEEPER_NOTIFY_READY;
    launch_telling({"STATUS=Starting", "READY=1", "READY=1\nSTATUS=Ready."});

    EXPECT_THAT(next_told(), StartsWith("STATUS=Container started."));
    EXPECT_EQ(next_told(), "STATUS=Container running: Starting");
    EXPECT_EQ(next_told(), "READY=1");
    EXPECT_EQ(next_told(), "STATUS=Container running.");
    EXPECT_EQ(next_told(), "READY=1");
    EXPECT_EQ(next_told(), "STATUS=Container running: Ready.");
    end();
}

TEST_F(AMachineInAService, CannotSpeakForTheServiceInItsStatus) {
    launch_telling({"STATUS=x\rMAINPID=1"});
    next_told();
    next_told();

    EXPECT_EQ(next_told(), "STATUS=Container running: x?MAINPID=1");
    end();
}

TEST_F(AMachineInAService, TellsOfItsStopAndItsStatus) {
    orders.kill_signal = SIGUSR1;
    launch([this] {
        sigset_t wanted;
        ::sigemptyset(&wanted);
        ::sigaddset(&wanted, SIGUSR1);
        ::sigprocmask(SIG_BLOCK, &wanted, nullptr);
        machine_says_go();
        int got = 0;
        ::sigwait(&wanted, &got);
        ::_exit(5);
    });
    wait_for_go();
    next_told();
    next_told();
    signal_supervisor(SIGTERM);

    EXPECT_EQ(next_told(), "STOPPING=1\nSTATUS=Shutting down...");
    EXPECT_EQ(next_told(), "STOPPING=1\nSTATUS=Terminating...");
    EXPECT_EQ(next_told(), "EXIT_STATUS=5");
    EXPECT_EQ(wait_for_end(), (Ended{true, 5}));
}

TEST_F(AMachineInAService, TellsOfARestart) {
    orders.flags = KEEPER_KEEP_UNIT;
    run(end_as_rebooted);
    next_told();
    next_told();

    EXPECT_EQ(next_told(), "STOPPING=1\nSTATUS=Restarting...");
    EXPECT_EQ(next_told(), "EXIT_STATUS=133");
}

TEST_F(AMachineInAService, IsKeptAliveByTheWatchdog) {
    environment.push_back("WATCHDOG_USEC=20000");
    launch_telling({});
    next_told();
    next_told();

    EXPECT_EQ(next_told(), "WATCHDOG=1");
    EXPECT_EQ(next_told(), "WATCHDOG=1");
    end();
}

TEST_F(AMachineInAService, LeavesAWatchdogAloneThatIsMeantForAnother) {
    environment.push_back("WATCHDOG_USEC=1000");
    environment.push_back("WATCHDOG_PID=1");
    launch_telling({"STATUS=first"});
    next_told();
    next_told();

    EXPECT_EQ(next_told(), "STATUS=Container running: first");
    end();
}

TEST_F(AMachineInAService, MayStoreDescriptorsWhereTheManagerTakesThem) {
    environment.push_back("FDSTORE=16");
    launch([this] {
        const int descriptors[] = {0, 1};
        notify("FDSTORE=1\nFDNAME=state\nFDPOLL=0", descriptors);
        notify("FDSTORE=1\nFDNAME=bad:name", descriptors);
        notify("FDSTOREREMOVE=1\nFDNAME=state");
        notify("FDSTOREREMOVE=1");
        notify("STATUS=done");
        ::pause();
    });
    next_told();
    next_told();

    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8) + CMSG_SPACE(sizeof(ucred))];
    char text[512];
    iovec vector{.iov_base = text, .iov_len = sizeof text};
    msghdr header{};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    const ssize_t size = ::recvmsg(outer_socket.get(), &header, MSG_CMSG_CLOEXEC);
    ASSERT_GT(size, 0);
    std::size_t received = 0;
    for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part))
        if (part->cmsg_type == SCM_RIGHTS) {
            received = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (std::size_t i = 0; i < received; ++i)
                ::close(reinterpret_cast<int*>(CMSG_DATA(part))[i]);
        }

    EXPECT_EQ(std::string_view(text, static_cast<std::size_t>(size)), "FDSTORE=1\nFDNAME=payload-state\nFDPOLL=0");
    EXPECT_EQ(received, 2U);
    EXPECT_EQ(next_told(), "FDSTORE=1\nFDNAME=payload-stored");
    EXPECT_EQ(next_told(), "FDSTOREREMOVE=1\nFDNAME=payload-state");
    EXPECT_EQ(next_told(), "STATUS=Container running: done");
    end();
}

TEST_F(AMachineInAService, ReachesAManagerAtAnAbstractAddress) {
    const std::string name = "machinist-test-" + std::to_string(::getpid());
    outer_socket = UniqueFd{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    char bytes[110]{};
    const sa_family_t family = AF_UNIX;
    std::copy_n(reinterpret_cast<const char*>(&family), sizeof family, bytes);
    std::copy(name.begin(), name.end(), bytes + sizeof family + 1);
    ASSERT_EQ(::bind(outer_socket.get(), reinterpret_cast<const sockaddr*>(bytes),
                     static_cast<socklen_t>(sizeof family + 1 + name.size())),
              0);
    environment = {"NOTIFY_SOCKET=@" + name};
    launch_telling({});

    EXPECT_THAT(next_told(), StartsWith("STATUS=Container started."));
    end();
}

} // namespace
} // namespace machinist
