// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/orderly_end.hpp"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace machinist {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(AnOrderlyEnd, IsTheSignalThatAnInitTakesForIt) {
    EXPECT_EQ(orderly_end("systemd", EndKind::power_off).signal, SIGRTMIN + 4);
    EXPECT_EQ(orderly_end("systemd", EndKind::reboot).signal, SIGINT);
    EXPECT_EQ(orderly_end("busybox", EndKind::power_off).signal, SIGUSR2);
    EXPECT_EQ(orderly_end("busybox", EndKind::reboot).signal, SIGTERM);
    EXPECT_EQ(orderly_end("s6", EndKind::power_off).signal, SIGUSR1);
    EXPECT_EQ(orderly_end("s6", EndKind::reboot).signal, SIGINT);
    EXPECT_THAT(orderly_end("s6", EndKind::reboot).command, IsEmpty());
}

TEST(AnOrderlyEnd, IsACommandWhereProcessOneTakesNoSignalForIt) {
    for (const char* init : {"sysvinit", "runit"}) {
        EXPECT_EQ(orderly_end(init, EndKind::power_off).signal, 0) << init;
        EXPECT_THAT(orderly_end(init, EndKind::power_off).command, ElementsAre("/sbin/init", "0")) << init;
        EXPECT_THAT(orderly_end(init, EndKind::reboot).command, ElementsAre("/sbin/init", "6")) << init;
    }
    EXPECT_THAT(orderly_end("openrc", EndKind::power_off).command,
                ElementsAre("/bin/sh", "-c", HasSubstr("openrc-shutdown --poweroff now; exec /sbin/init 0")));
    EXPECT_THAT(orderly_end("unknown", EndKind::reboot).command, ElementsAre("reboot"));
    EXPECT_EQ(orderly_end("unknown", EndKind::reboot).signal, 0);
}

TEST(AnInit, IsSilentWhereItIsKnownToTellNothing) {
    for (const char* init : {"sysvinit", "openrc", "runit", "s6", "busybox"})
        EXPECT_TRUE(is_silent_init(init)) << init;
    for (const char* init : {"systemd", "unknown", "stub", ""})
        EXPECT_FALSE(is_silent_init(init)) << init;
}

} // namespace
} // namespace machinist
