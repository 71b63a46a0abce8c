// SPDX-License-Identifier: LGPL-2.1-or-later
#include "requests.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Nesting, IsClosedUnlessItIsAskedFor) {
    const MachineSpec spec = machinist_run({"ls"}).spec();

    EXPECT_FALSE(spec.nesting);
    EXPECT_EQ(spec.users.nested_ranges, 0U);
    EXPECT_THAT(spec.syscall_filter.allow, IsEmpty());
}

TEST(Nesting, OpensTheCallsOfNamespacesAndKeyringsAndGivesMoreIds) {
    const MachineSpec spec = machinist_run({"--nesting", "ls"}).spec();

    EXPECT_TRUE(spec.nesting);
    EXPECT_TRUE(spec.syscall_filter.strict);
    EXPECT_THAT(spec.syscall_filter.allow, ElementsAre("nesting", "@keyring"));
    EXPECT_EQ(spec.users.nested_ranges, 8U);
    EXPECT_THAT(spec.users.nested_bases, IsEmpty());
}

TEST(Nesting, AddsNoCapability) {
    EXPECT_EQ(machinist_run({"--nesting", "ls"}).spec().capabilities.bounding,
              machinist_run({"ls"}).spec().capabilities.bounding);
}

TEST(Nesting, LeavesWhatIsDeniedDenied) {
    const MachineSpec spec = machinist_run({"--nesting", "--system-call-filter=~keyctl", "ls"}).spec();

    EXPECT_THAT(spec.syscall_filter.deny, Contains("keyctl"));
}

TEST(Nesting, IsAKeyOfTrustedSettingsFiles) {
    Decision decision = machinist_run({"ls"});
    decision.settings_file = "[Exec]\nNesting=yes\n";
    EXPECT_TRUE(decision.spec().nesting);

    Settings settings = parse_settings_file("[Exec]\nNesting=yes\n", "web.nspawn", false).settings;
    EXPECT_FALSE(settings.nesting);
}

TEST(Nesting, TakesNoMoreIdsThanAFixedRangeHas) {
    const MachineSpec spec = machinist_run({"--nesting", "--private-users=655360:1048576", "ls"}).spec();

    EXPECT_EQ(spec.users.size, 1048576U);
    EXPECT_EQ(spec.users.nested_ranges, 0U);
}

TEST(Nesting, IsRefusedWithoutUsersOfItsOwn) {
    for (const char* users : {"--private-users=no", "--private-users=identity", "--private-users=0:65536"})
        EXPECT_THAT(machinist_run({"--nesting", users, "ls"}).sentences(),
                    Contains(HasSubstr("--nesting needs users of the machine's own")))
            << users;
    EXPECT_THAT(nspawn({"--nesting", "ls"}).sentences(), Contains(HasSubstr("--nesting")));
    EXPECT_THAT(nspawn({"--nesting", "-U", "ls"}).sentences(), IsEmpty());
}

TEST(Nesting, IsRefusedWhereCgroupsOrProcessesAreTheHosts) {
    Decision decision = machinist_run({"--nesting", "ls"});
    decision.host.environment["SYSTEMD_NSPAWN_USE_CGNS"] = "0";
    EXPECT_THAT(decision.sentences(), ElementsAre(HasSubstr("--nesting needs a cgroup namespace")));

    decision.host.environment = {{"SYSTEMD_NSPAWN_SHARE_NS_PID", "1"}};
    EXPECT_THAT(decision.sentences(), Contains(HasSubstr("--nesting needs processes of the machine's own")));
}

} // namespace machinist
