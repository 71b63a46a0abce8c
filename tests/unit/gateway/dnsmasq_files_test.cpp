// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/dnsmasq_files.hpp"

#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <unistd.h>

namespace machinist {

using testing::HasSubstr;

namespace {

ServedZone lan() {
    return {.bridge = "vz-lan",
            .v4 = *IpPrefix::parse("10.70.4.1/22"),
            .v6 = *IpPrefix::parse("fd01:2:3:4::1/64"),
            .directory = "/run/machinist-gateway/1/links/vz-lan"};
}

} // namespace

TEST(ANameServersSettings, KeepItOnItsOwnLink) {
    EXPECT_THAT(dnsmasq_settings(lan()), HasSubstr("interface=vz-lan\nexcept-interface=lo\nbind-dynamic\n"));
}

TEST(ANameServersSettings, OfferAllAddressesButThoseOfNetworkHostAndEverybody) {
    EXPECT_THAT(dnsmasq_settings(lan()), HasSubstr("dhcp-range=10.70.4.2,10.70.7.254,255.255.252.0,1h\n"));
    EXPECT_THAT(dnsmasq_settings(lan()), HasSubstr("dhcp-range=fd01:2:3:4::,ra-stateless,64,1h\n"));
}

TEST(ANameServersSettings, AreReadByDnsmasq) {
    constexpr const char* dnsmasq = "/usr/sbin/dnsmasq";
    if (::access(dnsmasq, X_OK) != 0)
        GTEST_SKIP() << "no dnsmasq is installed";
    char path[] = "/tmp/dnsmasq-settings-XXXXXX";
    ::close(::mkstemp(path));
    std::ofstream{path} << dnsmasq_settings(lan());

    const int status = std::system((std::string{dnsmasq} + " --test --conf-file=" + path + " 2>/dev/null").c_str());

    EXPECT_EQ(status, 0);
    ::unlink(path);
}

TEST(ANameServersLists, OfferToEachMachineWhatIsItsOwn) {
    EXPECT_EQ(dnsmasq_offers({{.name = "web", .mac = "02:00:00:00:00:01", .address = IpAddress::parse("10.70.4.9")},
                              {.name = "elsewhere", .mac = "", .address = IpAddress::parse("10.71.4.9")},
                              {.name = "own-way", .mac = "02:00:00:00:00:03", .address = std::nullopt}}),
              "02:00:00:00:00:01,10.70.4.9\n");
}

TEST(ANameServersLists, NameTheAddressesThatMachinesHave) {
    EXPECT_EQ(dnsmasq_names({{.name = "web",
                              .mac = "",
                              .address = IpAddress::parse("10.70.4.9"),
                              .found = {*IpAddress::parse("10.70.4.77"), *IpAddress::parse("fd01:2:3:4::9"),
                                        *IpAddress::parse("fe80::1")}}}),
              "10.70.4.77 web\nfd01:2:3:4::9 web\n");
}

TEST(ANameServersLists, NameTheAddressThatAMachineWillHave) {
    EXPECT_EQ(dnsmasq_names({{.name = "web",
                              .mac = "",
                              .address = IpAddress::parse("10.70.4.9"),
                              .found = {*IpAddress::parse("fd01:2:3:4::9")}}}),
              "10.70.4.9 web\nfd01:2:3:4::9 web\n");
}

} // namespace machinist
