// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/stub_init.hpp"

#include "base/unique_fd.hpp"
#include "kernel/syscalls.hpp"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <poll.h>
#include <set>
#include <sstream>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {
namespace {

using std::chrono::milliseconds;

struct Ended {
    bool exited = false;
    int status = 0;
    friend bool operator==(const Ended&, const Ended&) = default;
};
std::ostream& operator<<(std::ostream& out, const Ended& ended) {
    return out << (ended.exited ? "exited with " : "killed by ") << ended.status;
}

// Process 1 of a pid namespace of its own, seen from outside.
class AStubInit : public ::testing::Test {
protected:
    AStubInit() {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        sign_reader = UniqueFd{ends[0]};
        sign_writer = UniqueFd{ends[1]};
    }
    ~AStubInit() override {
        if (stub > 0) {
            ::kill(stub, SIGKILL);
            ::waitpid(stub, nullptr, 0);
        }
    }

    // body is process 2. False where there are no namespaces to be had.
    bool start(const std::function<void()>& body, milliseconds patience = stub_init_patience) {
        clone_args arguments{};
        arguments.flags = CLONE_NEWPID | CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER);
        arguments.exit_signal = SIGCHLD;
        stub = sys::clone3(arguments);
        if (stub < 0)
            return false;
        if (stub == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr);
            ::mount("proc", "/proc", "proc", 0, nullptr);
            continue_below_stub_init({"container=machinist", "container_uuid=0-1"}, patience);
            body();
            ::_exit(99);
        }
        return true;
    }
    void give_sign() const {
        (void)!::write(sign_writer.get(), "!", 1);
    }
    [[nodiscard]] bool got_sign() const {
        pollfd state{.fd = sign_reader.get(), .events = POLLIN, .revents = 0};
        char mark = 0;
        return ::poll(&state, 1, 10'000) > 0 && ::read(sign_reader.get(), &mark, 1) == 1;
    }
    Ended wait_for_end() {
        const UniqueFd pidfd{sys::pidfd_open(stub, 0)};
        pollfd state{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
        if (::poll(&state, 1, 10'000) <= 0)
            return {};
        int status = 0;
        ::waitpid(stub, &status, 0);
        stub = -1;
        return WIFEXITED(status) ? Ended{true, WEXITSTATUS(status)} : Ended{false, WTERMSIG(status)};
    }
    std::string shown(const char* file) const {
        std::ifstream text{"/proc/" + std::to_string(stub) + "/" + file};
        std::ostringstream all;
        all << text.rdbuf();
        return all.str();
    }

    pid_t stub = -1;
    UniqueFd sign_reader;
    UniqueFd sign_writer;
};

// Ignores what asks it to end, but says so when it came.
void hold_out() {
    for (const int signal : {SIGTERM, SIGHUP})
        ::signal(signal, SIG_IGN);
}

#define START_OR_SKIP(...)                                                                                             \
    if (!start(__VA_ARGS__))                                                                                           \
    GTEST_SKIP() << "needs namespaces"

TEST_F(AStubInit, EndsWithItsCommandsExitStatus) {
    START_OR_SKIP([] { ::_exit(7); });

    EXPECT_EQ(wait_for_end(), (Ended{true, 7}));
}

TEST_F(AStubInit, EndsWith255WhenItsCommandIsKilled) {
    START_OR_SKIP([] { ::raise(SIGKILL); });

    EXPECT_EQ(wait_for_end(), (Ended{true, 255}));
}

TEST_F(AStubInit, RunsItsCommandAsProcess2InASessionOfItsOwn) {
    START_OR_SKIP([] { ::_exit(::getpid() == 2 && ::getsid(0) == 2 && ::getpgrp() == 2 ? 0 : 1); });

    EXPECT_EQ(wait_for_end(), (Ended{true, 0}));
}

TEST_F(AStubInit, LeavesItsCommandTheSignalMaskItHad) {
    START_OR_SKIP([] {
        sigset_t now;
        ::sigprocmask(SIG_SETMASK, nullptr, &now);
        ::_exit(::sigisemptyset(&now) != 0 ? 0 : 1);
    });

    EXPECT_EQ(wait_for_end(), (Ended{true, 0}));
}

TEST_F(AStubInit, ReapsStrays) {
    START_OR_SKIP([] {
        // Orphaned at once; process 1 gets it.
        const pid_t parent = ::fork();
        if (parent == 0) {
            if (::fork() == 0)
                ::_exit(0);
            ::_exit(0);
        }
        ::waitpid(parent, nullptr, 0);
        for (int tries = 0; tries < 5000; ++tries) {
            if (::kill(4, 0) < 0 && errno == ESRCH)
                ::_exit(0);
            ::usleep(1000);
        }
        ::_exit(1);
    });

    EXPECT_EQ(wait_for_end(), (Ended{true, 0}));
}

TEST_F(AStubInit, PowersOffWhenAskedByAnyOfItsSignals) {
    for (const int offset : {3, 4, 13, 14}) {
        START_OR_SKIP([this] {
            give_sign();
            ::pause();
        });
        ASSERT_TRUE(got_sign());
        ::kill(stub, SIGRTMIN + offset);

        // What reboot(2) makes of a pid namespace's process 1.
        EXPECT_EQ(wait_for_end(), (Ended{false, SIGINT})) << offset;
    }
}

TEST_F(AStubInit, RebootsWhenAskedByAnyOfItsSignals) {
    for (const int signal : {SIGINT, SIGRTMIN + 5, SIGRTMIN + 6, SIGRTMIN + 15, SIGRTMIN + 16}) {
        START_OR_SKIP([this] {
            give_sign();
            ::pause();
        });
        ASSERT_TRUE(got_sign());
        ::kill(stub, signal);

        EXPECT_EQ(wait_for_end(), (Ended{false, SIGHUP})) << signal;
    }
}

TEST_F(AStubInit, AsksItsCommandToEndFirst) {
    START_OR_SKIP([this] {
        sigset_t asked;
        ::sigemptyset(&asked);
        for (const int signal : {SIGTERM, SIGHUP})
            ::sigaddset(&asked, signal);
        ::sigprocmask(SIG_BLOCK, &asked, nullptr);
        give_sign();
        for (int count = 0; count < 2; ++count) {
            int got = 0;
            ::sigwait(&asked, &got);
            give_sign();
        }
        ::_exit(3);
    });
    ASSERT_TRUE(got_sign());
    ::kill(stub, SIGRTMIN + 4);

    EXPECT_TRUE(got_sign());
    EXPECT_TRUE(got_sign());
    EXPECT_EQ(wait_for_end(), (Ended{false, SIGINT}));
}

TEST_F(AStubInit, DoesNotWaitForeverForItsCommand) {
    START_OR_SKIP(
        [this] {
            hold_out();
            give_sign();
            for (;;)
                ::pause();
        },
        milliseconds{50});
    ASSERT_TRUE(got_sign());
    ::kill(stub, SIGRTMIN + 5);

    EXPECT_EQ(wait_for_end(), (Ended{false, SIGHUP}));
}

TEST_F(AStubInit, IgnoresAllOtherSignals) {
    START_OR_SKIP([this] {
        ::signal(SIGUSR1, [](int) { ::_exit(9); });
        give_sign();
        for (;;)
            ::pause();
    });
    ASSERT_TRUE(got_sign());
    for (const int signal : {SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGRTMIN + 1, SIGRTMIN + 7, SIGWINCH})
        ::kill(stub, signal);
    const auto children = shown(("task/" + std::to_string(stub) + "/children").c_str());
    ASSERT_FALSE(children.empty());
    ::kill(std::stoi(children), SIGUSR1);

    EXPECT_EQ(wait_for_end(), (Ended{true, 9}));
}

TEST_F(AStubInit, ShowsItsOwnNameAndEnvironmentOnly) {
    // Long enough to hold what the stub shows, and telling what must not be seen.
    ::setenv("SECRET_OF_THE_CALLER", std::string(200, 's').c_str(), 1);
    START_OR_SKIP([this] {
        give_sign();
        ::pause();
    });
    ASSERT_TRUE(got_sign());
    // The name comes last of all that process 1 does before it waits.
    for (int tries = 0; tries < 5000 && shown("environ").find("container_uuid") == std::string::npos; ++tries)
        ::usleep(1000);

    EXPECT_EQ(shown("comm"), "(sd-stubinit)\n");
    // Cut where the launcher's own arguments were shorter.
    EXPECT_TRUE(std::string{"(sd-stubinit)"}.starts_with(shown("cmdline").c_str())) << shown("cmdline");
    EXPECT_FALSE(shown("cmdline").starts_with('\0'));
    const std::string environment = shown("environ");
    EXPECT_TRUE(environment.starts_with(std::string{"container=machinist\0container_uuid=0-1\0", 39})) << environment;
    EXPECT_EQ(environment.find("SECRET"), std::string::npos);
    EXPECT_EQ(environment.find_first_not_of('\0', 39), std::string::npos);
}

TEST_F(AStubInit, HoldsNothingOpen) {
    START_OR_SKIP([this] {
        give_sign();
        ::pause();
    });
    ASSERT_TRUE(got_sign());
    for (int tries = 0; tries < 5000 && shown("environ").find("container_uuid") == std::string::npos; ++tries)
        ::usleep(1000);
    std::set<std::string> targets;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc/" + std::to_string(stub) + "/fd"})
        targets.insert(std::filesystem::read_symlink(entry.path()));

    EXPECT_EQ(targets, std::set<std::string>{"/dev/null"});
}

} // namespace
} // namespace machinist
