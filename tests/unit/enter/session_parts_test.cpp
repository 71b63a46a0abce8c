// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/command.hpp"
#include "enter/escape.hpp"
#include "enter/flow.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

namespace machinist::enter {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Not;

TEST(TheEscapeKey, IsSeenThreeTimesWithinASecond) {
    EscapeKey key;
    const EscapeKey::Time start{1h};

    EXPECT_FALSE(key.seen_in("\x1d", start));
    EXPECT_FALSE(key.seen_in("\x1d", start + 300ms));
    EXPECT_TRUE(key.seen_in("\x1d", start + 600ms));
}

TEST(TheEscapeKey, IsNotSeenWithOthersBetweenOrTooSlow) {
    EscapeKey key;
    const EscapeKey::Time start{1h};

    EXPECT_FALSE(key.seen_in("\x1d\x1dx\x1d", start));
    EXPECT_FALSE(key.seen_in("\x1d", start + 2s));
    EXPECT_FALSE(key.seen_in("\x1d", start + 4s));
    EXPECT_FALSE(key.seen_in("\x1d", start + 6s));
}

TEST(ACommandsEnvironment, IsWhatTheOrderSetsAndTheAccountGives) {
    Order order;
    order.environment = {"HOME=/elsewhere", "A=b=c"};

    const auto environment = command_environment(
        order, {.name = "alice", .uid = 1, .gid = 1, .groups = {}, .home = "/home/alice", .shell = ""});

    EXPECT_THAT(environment, Contains("HOME=/elsewhere"));
    EXPECT_THAT(environment, Not(Contains("HOME=/home/alice")));
    EXPECT_THAT(environment, Contains("A=b=c"));
    EXPECT_THAT(environment, Contains("SHELL=/bin/sh"));
    EXPECT_THAT(environment, Contains("USER=alice"));
}

TEST(AFlow, EndsWhenNobodyReads) {
    ::signal(SIGPIPE, SIG_IGN);
    int from[2];
    int to[2];
    ASSERT_EQ(::pipe2(from, O_CLOEXEC | O_NONBLOCK), 0);
    ASSERT_EQ(::pipe2(to, O_CLOEXEC | O_NONBLOCK), 0);
    Flow flow{BorrowedFd{from[0]}, BorrowedFd{to[1]}};
    ASSERT_EQ(::write(from[1], "x", 1), 1);
    ::close(to[0]);

    flow.step();
    EXPECT_EQ(flow.held(), "x");
    flow.step();

    EXPECT_TRUE(flow.ended());
    for (const int end : {from[0], from[1], to[1]})
        ::close(end);
}

TEST(AFlow, DrainsWhatIsThereAndDoesNotWaitForMore) {
    int from[2];
    int to[2];
    ASSERT_EQ(::pipe2(from, O_CLOEXEC | O_NONBLOCK), 0);
    ASSERT_EQ(::pipe2(to, O_CLOEXEC | O_NONBLOCK), 0);
    Flow flow{BorrowedFd{from[0]}, BorrowedFd{to[1]}};
    ASSERT_EQ(::write(from[1], "abc", 3), 3);

    flow.drain();

    char text[4] = {};
    EXPECT_EQ(::read(to[0], text, 3), 3);
    EXPECT_STREQ(text, "abc");
    EXPECT_FALSE(flow.ended());
    for (const int end : {from[0], from[1], to[0], to[1]})
        ::close(end);
}

} // namespace machinist::enter
