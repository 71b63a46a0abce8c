// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/capability_names.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>

namespace machinist {

TEST(ACapability, IsNamedInAnyCaseWithOrWithoutItsPrefix) {
    for (const char* text : {"CAP_SYS_ADMIN", "cap_sys_admin", "sys_admin", "21"})
        EXPECT_EQ(capability_named(text), CAP_SYS_ADMIN) << text;
    for (const char* text : {"", "CAP_", "CAP_FOO", "41", "-1"})
        EXPECT_FALSE(capability_named(text)) << text;
}

TEST(EveryCapability, IsReadBackFromItsName) {
    for (int capability = 0; capability < capability_count; ++capability)
        EXPECT_EQ(capability_named(capability_name(capability)), capability);
    EXPECT_EQ(capability_name(CAP_CHECKPOINT_RESTORE), "CAP_CHECKPOINT_RESTORE");
    EXPECT_EQ(capability_name(CAP_SETFCAP), "CAP_SETFCAP");
}

TEST(AListOfCapabilities, MayBeAllAndTellsWhichWordIsUnknown) {
    std::string unknown;
    EXPECT_EQ(parse_capabilities("CAP_CHOWN,cap_kill 9", unknown), 1U | 1U << 5 | 1U << 9);
    EXPECT_EQ(parse_capabilities("all", unknown), all_capabilities);
    EXPECT_FALSE(parse_capabilities("CAP_CHOWN CAP_X", unknown));
    EXPECT_EQ(unknown, "CAP_X");
}

TEST(TheSafeSet, KeepsWhatAnInitNeedsAndNothingThatReachesBeyondTheMachine) {
    for (const int needed : {CAP_SYS_ADMIN, CAP_MKNOD, CAP_SETUID, CAP_SYS_BOOT, CAP_SYS_CHROOT, CAP_AUDIT_WRITE})
        EXPECT_TRUE(machinist_capabilities & capability_bit(needed)) << capability_name(needed);
    for (const int withheld : {CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_TIME, CAP_MAC_ADMIN, CAP_MAC_OVERRIDE,
                               CAP_AUDIT_CONTROL, CAP_SYSLOG, CAP_LINUX_IMMUTABLE, CAP_WAKE_ALARM, CAP_BLOCK_SUSPEND})
        EXPECT_FALSE(machinist_capabilities & capability_bit(withheld)) << capability_name(withheld);
    EXPECT_EQ(nspawn_capabilities, 0xfdecafffU);
}

} // namespace machinist
