// SPDX-License-Identifier: LGPL-2.1-or-later
// Networks of machines on a host without systemd-networkd, as installed: by machinist-gateway.service.
#include "system/host.hpp"

#include <gmock/gmock.h>

namespace machinist::test {

using testing::HasSubstr;
using testing::Not;

class TheGateway : public WithOurProvider {
protected:
    // In order: who is killed leaves a directory to gc.
    void TearDown() override {
        if (Host::why_not().empty())
            (void)sh("systemctl stop 'runs-*'");
        WithOurProvider::TearDown();
    }
    static void start(const std::string& name, const std::string& options) {
        ASSERT_TRUE(
            holds("systemd-run --quiet --collect --unit=runs-" + name +
                  " --service-type=notify --setenv=SYSTEMD_NSPAWN_LOCK=0 machinist run -x -b --notify-ready=yes "
                  "--link-journal=no -M " +
                  name + " -D /var/lib/machines/web --network-zone=lan " + options))
            << output_of("journalctl -b --no-pager -n 40");
    }
};

TEST_F(TheGateway, GivesMachinesOfAZoneAddressesNamesAndPortsAsLongAsThereAreSome) {
    EXPECT_EQ(output_of("systemctl show -P ActiveState machinist-gateway"), "inactive");
    start("one", "--port=tcp:8080:80");
    start("two", "");

    EXPECT_EQ(output_of("systemctl show -P ActiveState machinist-gateway"), "active");
    EXPECT_TRUE(holds("machinist exec two -- getent hosts one"));
    EXPECT_TRUE(holds("ping -q -c 1 -W 10 $(machinist exec two -- getent hosts one | cut -d' ' -f1)"));
    EXPECT_THAT(output_of("machinist port list one"), HasSubstr("8080"));
    ASSERT_TRUE(holds("machinist exec one -- systemd-run --quiet systemd-socket-activate --listen=80 --accept --inetd "
                      "cat"));
    EXPECT_TRUE(eventually(
        [] {
            return sh("exec 3<>/dev/tcp/127.0.0.1/8080 && echo there >&3 && timeout 5 head -n1 <&3").output ==
                   "there\n";
        },
        30s));

    ASSERT_TRUE(holds("systemctl stop runs-one runs-two"));

    EXPECT_TRUE(
        eventually([] { return output_of("systemctl show -P ActiveState machinist-gateway") == "inactive"; }, 30s));
    EXPECT_EQ(output_of("systemctl show -P Result machinist-gateway"), "success");
    EXPECT_THAT(output_of("ip -o link"), Not(HasSubstr("vz-lan")));
}

TEST_F(TheGateway, ComesBackAfterItWasKilledAndMachinesKeepTheirNetwork) {
    start("one", "--port=tcp:8080:80");
    const std::string address = output_of("machinist exec one -- hostname -I | cut -d' ' -f1");

    ASSERT_TRUE(holds("systemctl kill --signal=KILL machinist-gateway"));

    EXPECT_TRUE(
        eventually([] { return output_of("systemctl show -P ActiveState machinist-gateway") == "active"; }, 30s));
    EXPECT_TRUE(holds("ping -q -c 1 -W 10 " + address));
    EXPECT_THAT(output_of("machinist port list one"), HasSubstr("8080"));
}

} // namespace machinist::test
