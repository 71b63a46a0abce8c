// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/cgroup_members.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "kernel/cgroup.hpp"
#include "kernel/pidfd.hpp"

#include <csignal>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {

namespace {

pid_t sleeping_child() {
    const pid_t pid = ::fork();
    if (pid == 0)
        while (true)
            ::pause();
    return pid;
}

} // namespace

class TheMembersOfACgroup : public ::testing::Test {
protected:
    void SetUp() override {
        try {
            group = own_cgroup() / ("machinist-test-" + std::to_string(::getpid()));
            make_cgroup(group / "below");
        } catch (const Failure& failure) {
            GTEST_SKIP() << "needs a cgroup of its own: " << failure.what();
        }
        first = sleeping_child();
        second = sleeping_child();
        move_process_to_cgroup(make_cgroup(group), first);
        move_process_to_cgroup(make_cgroup(group / "below"), second);
    }
    void TearDown() override {
        for (const pid_t pid : {first, second})
            if (pid > 0) {
                ::kill(pid, SIGKILL);
                ::waitpid(pid, nullptr, 0);
            }
        ::rmdir((group / "below").c_str());
        ::rmdir(group.c_str());
    }

    std::filesystem::path group;
    pid_t first = 0;
    pid_t second = 0;
};

TEST_F(TheMembersOfACgroup, AreListedGroupByGroup) {
    const auto found = processes_below(group);

    ASSERT_EQ(found.size(), 2u);
    EXPECT_EQ(found[0].processes, std::vector{first});
    EXPECT_EQ(found[1].group, group / "below");
    EXPECT_EQ(found[1].processes, std::vector{second});
    EXPECT_FALSE(cgroup_is_empty(group));
}

TEST_F(TheMembersOfACgroup, AreEachSignalledOnce) {
    EXPECT_EQ(signal_cgroup(group, SIGTERM), 2u);

    EXPECT_TRUE(Pidfd::open(first)->wait_for_end(2000));
    EXPECT_TRUE(Pidfd::open(second)->wait_for_end(2000));
}

TEST_F(TheMembersOfACgroup, StandStillUntilTheyAreThawed) {
    if (::access((group / "cgroup.freeze").c_str(), W_OK) < 0)
        GTEST_SKIP() << "needs a kernel that freezes cgroups";
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const UniqueFd ours{ends[0]};
    UniqueFd theirs{ends[1]};
    const pid_t echo = ::fork();
    if (echo == 0) {
        char letter = 0;
        while (::read(theirs.get(), &letter, 1) == 1 && ::write(theirs.get(), &letter, 1) == 1)
            continue;
        ::_exit(0);
    }
    const ScopeExit ended{[&] {
        ::kill(echo, SIGKILL);
        ::waitpid(echo, nullptr, 0);
    }};
    move_process_to_cgroup(make_cgroup(group / "below"), echo);
    const auto answers = [&](int patience) {
        pollfd answer{.fd = ours.get(), .events = POLLIN, .revents = 0};
        char letter = 0;
        return ::poll(&answer, 1, patience) == 1 && ::read(ours.get(), &letter, 1) == 1;
    };
    EXPECT_FALSE(is_cgroup_frozen(group));

    freeze_cgroup(group);

    EXPECT_TRUE(is_cgroup_frozen(group));
    ASSERT_EQ(::write(ours.get(), "x", 1), 1);
    EXPECT_FALSE(answers(100));
    thaw_cgroup(group);
    EXPECT_FALSE(is_cgroup_frozen(group));
    EXPECT_TRUE(answers(30'000));
}

TEST_F(TheMembersOfACgroup, AreKilledTogether) {
    kill_cgroup(group);

    EXPECT_TRUE(Pidfd::open(first)->wait_for_end(2000));
    EXPECT_TRUE(Pidfd::open(second)->wait_for_end(2000));
}

TEST_F(TheMembersOfACgroup, AreNoneIfTheGroupIsGone) {
    EXPECT_TRUE(cgroup_is_empty(group / "nowhere"));
    EXPECT_TRUE(processes_below(group / "nowhere").empty());
    EXPECT_EQ(signal_cgroup(group / "nowhere", SIGKILL), 0u);
    kill_cgroup(group / "nowhere");
}

} // namespace machinist
