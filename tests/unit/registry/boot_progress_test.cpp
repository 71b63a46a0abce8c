// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/boot_progress.hpp"

#include <gtest/gtest.h>

namespace machinist {

namespace {

BootProgress after(std::map<std::string, std::string> notifications) {
    Machine machine;
    machine.notifications = std::move(notifications);
    return boot_progress_of(machine);
}

} // namespace

TEST(ABootsProgress, IsNoneWhereNothingIsTold) {
    EXPECT_EQ(after({}), BootProgress{});
}

TEST(ABootsProgress, IsThatOfTheTargetThatWasReachedLast) {
    EXPECT_EQ(after({{"X_SYSTEMD_UNIT_ACTIVE", "basic.target"}, {"STATUS", "up"}}),
              (BootProgress{.phase = "basic", .percent = 60, .status = "up"}));
    EXPECT_EQ(after({{"X_SYSTEMD_UNIT_ACTIVE", "unknown.target"}}).phase, "starting");
}

TEST(ABootsProgress, IsWholeOnceItIsReady) {
    EXPECT_EQ(after({{"X_SYSTEMD_UNIT_ACTIVE", "multi-user.target"}, {"READY", "1"}}).percent, 100u);
    EXPECT_EQ(after({{"READY", "1"}, {"STOPPING", "1"}}).phase, "closing");
}

TEST(ABootsProgress, ShowsNoControlCharactersOfTheMachine) {
    EXPECT_EQ(after({{"STATUS", "\x1b[2J"}}).status, "\\x1b[2J");
}

} // namespace machinist
