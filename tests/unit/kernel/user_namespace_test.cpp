// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/user_namespace.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "temporary_directory.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <gtest/gtest.h>
#include <sched.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

using namespace machinist;
using machinist::testing::TemporaryDirectory;

namespace {

constexpr std::array<IdMap, 1> a_range{{{0, 655360, 65536}}};

class AUserNamespace : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
    }
};

std::string as_seen_inside(BorrowedFd user_namespace, const char* file) {
    int ends[2];
    if (::pipe(ends) != 0)
        return "no pipe";
    const pid_t child = ::fork();
    if (child == 0) {
        if (::setns(user_namespace.get(), CLONE_NEWUSER) == 0)
            write_all(BorrowedFd{ends[1]}, read_file(file));
        ::_exit(0);
    }
    ::close(ends[1]);
    const UniqueFd from{ends[0]};
    std::string text = read_all(from);
    ::waitpid(child, nullptr, 0);
    return text;
}

} // namespace

TEST_F(AUserNamespace, HasTheMapsThatWereAskedFor) {
    const std::array<IdMap, 2> gids{{{0, 655360, 10}, {10, 700000, 5}}};

    const UniqueFd made = make_user_namespace(a_range, gids);

    unsigned inside = 1;
    unsigned outside = 0;
    unsigned count = 0;
    ASSERT_EQ(std::sscanf(as_seen_inside(made, "/proc/self/uid_map").c_str(), "%u %u %u", &inside, &outside, &count),
              3);
    EXPECT_EQ((IdMap{inside, outside, count}), a_range[0]);
    const std::string gid_map = as_seen_inside(made, "/proc/self/gid_map");
    EXPECT_EQ(std::count(gid_map.begin(), gid_map.end(), '\n'), 2);
    EXPECT_NE(gid_map.find("700000"), std::string::npos);
}

TEST_F(AUserNamespace, LeavesNoProcessBehind) {
    const UniqueFd made = make_user_namespace(a_range, a_range);

    EXPECT_EQ(::waitpid(-1, nullptr, __WALL | WNOHANG), -1);
    EXPECT_EQ(errno, ECHILD);
}

TEST_F(AUserNamespace, LeavesTheSignalMaskAsItWas) {
    sigset_t before;
    sigset_t after;
    ::sigprocmask(SIG_SETMASK, nullptr, &before);

    make_user_namespace(a_range, a_range);

    ::sigprocmask(SIG_SETMASK, nullptr, &after);
    EXPECT_EQ(::sigismember(&before, SIGINT), ::sigismember(&after, SIGINT));
    EXPECT_EQ(::sigismember(&before, SIGCHLD), ::sigismember(&after, SIGCHLD));
}

TEST_F(AUserNamespace, IsRefusedWithMapsThatMakeNoSense) {
    const std::array<IdMap, 2> overlapping{{{0, 655360, 100}, {50, 700000, 100}}};

    EXPECT_THROW(make_user_namespace(overlapping, a_range), Failure);
    EXPECT_EQ(::waitpid(-1, nullptr, __WALL | WNOHANG), -1);
}

TEST_F(AUserNamespace, ShiftsTheOwnersOfAMount) {
    const TemporaryDirectory tree;
    tree.write("of-root", "");
    tree.write("of-33", "");
    ASSERT_EQ(::chown((tree.path() / "of-33").c_str(), 33, 33), 0);
    const UniqueFd made = make_user_namespace(a_range, a_range);
    const UniqueFd mount = clone_mount(tree.descriptor(), false);

    try {
        change_mount(mount, {.idmap = made});
    } catch (const Failure& failure) {
        GTEST_SKIP() << "the filesystem of the temporary directory cannot map: " << failure.what();
    }

    EXPECT_EQ(status_of(open_beneath(mount, "of-root", O_PATH, Links::refuse)).st_uid, 655360U);
    EXPECT_EQ(status_of(open_beneath(mount, "of-33", O_PATH, Links::refuse)).st_gid, 655393U);
}
