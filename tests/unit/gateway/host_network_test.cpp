// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/host_network.hpp"

#include <gmock/gmock.h>

namespace machinist {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TheHostsRoutes, AreReadFromTheKernelsTextOfIPv4) {
    EXPECT_THAT(parse_routes_v4("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
                                "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
                                "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
                                "*\t0000000A\t00000000\t0201\t0\t0\t0\t000000FF\t0\t0\t0\n"),
                ElementsAre(HostRoute{*IpPrefix::parse("0.0.0.0/0"), "eth0"},
                            HostRoute{*IpPrefix::parse("192.168.1.0/24"), "eth0"}));
}

TEST(TheHostsRoutes, AreReadFromTheKernelsTextOfIPv6) {
    EXPECT_THAT(parse_routes_v6("20010db8000000000000000000000000 40 00000000000000000000000000000000 00 "
                                "00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0\n"
                                "00000000000000000000000000000001 80 00000000000000000000000000000000 00 "
                                "00000000000000000000000000000000 00000000 00000003 00000000 80200001       lo\n"
                                "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
                                "00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo\n"),
                ElementsAre(HostRoute{*IpPrefix::parse("2001:db8::/64"), "eth0"}));
}

TEST(TheHostsRoutes, AreNoneInTextThatIsNoList) {
    EXPECT_THAT(parse_routes_v4("eth0 zz\neth0\tZZ\tZZ\tZZ\tZZ\tZZ\tZZ\tZZ\n"), IsEmpty());
    EXPECT_THAT(parse_routes_v6("\n\n"), IsEmpty());
}

} // namespace machinist
