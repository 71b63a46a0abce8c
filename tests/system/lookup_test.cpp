// SPDX-License-Identifier: LGPL-2.1-or-later
// What the host's own look-ups of users and names learn of machines.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class ALookUp : public WithOurProvider {
protected:
    void SetUp() override {
        WithOurProvider::SetUp();
        if (IsSkipped() || HasFatalFailure())
            return;
        ASSERT_TRUE(holds("systemd-run --quiet --collect --unit=runs-web --service-type=notify machinist run -b "
                          "--notify-ready=yes --private-users=pick --private-network -D /var/lib/machines/web"));
        root_ = output_of("awk '$1 == 0 { print $2 }' /proc/$(machinist show -P Leader web)/uid_map");
    }
    void TearDown() override {
        if (Host::why_not().empty())
            (void)sh("systemctl stop systemd-resolved; systemctl reset-failed");
        WithOurProvider::TearDown();
    }
    std::string root_; // of the machine, as the host has it
};

TEST_F(ALookUp, NamesTheUsersOfMachines) {
    EXPECT_THAT(output_of("getent passwd " + root_), StartsWith("vu-web-0:"));
    EXPECT_THAT(output_of("getent passwd vu-web-33"), HasSubstr(":" + std::to_string(std::stoul(root_) + 33) + ":"));
    EXPECT_THAT(output_of("getent group " + root_), StartsWith("vg-web-0:"));
    EXPECT_EQ(output_of("ps -o user:32= -p $(machinist show -P Leader web)"), "vu-web-0");

    ASSERT_TRUE(holds("machinist terminate web"));

    EXPECT_TRUE(eventually([&] { return !holds("getent passwd vu-web-0"); }, 30s));
}

TEST_F(ALookUp, FindsAddressesOfMachinesByTheHostsResolver) {
    if (!holds("test -e /usr/lib/systemd/systemd-resolved") || systemd_version() < 259)
        GTEST_SKIP() << "this release's systemd-resolved asks nobody";
    ASSERT_TRUE(holds("nsenter -t $(machinist show -P Leader web) -n ip address add 10.9.8.7/32 dev lo"));
    ASSERT_TRUE(holds("systemctl start systemd-resolved"));

    EXPECT_THAT(output_of("resolvectl query --legend=no -4 web"), HasSubstr("10.9.8.7"));
    EXPECT_THAT(sh("resolvectl query --legend=no no-such-machine").status, Not(0));
}

} // namespace machinist::test
