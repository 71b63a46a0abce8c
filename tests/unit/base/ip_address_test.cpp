// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/ip_address.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::ElementsAre;

TEST(AnIpAddress, IsReadFromItsTextAndWrittenAsIt) {
    for (const char* text : {"192.0.2.1", "0.0.0.0", "2001:db8::1", "::", "fe80::1"}) {
        const auto address = IpAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->text(), text);
    }
    EXPECT_EQ(IpAddress::parse("2001:0DB8:0:0::0001")->text(), "2001:db8::1");
    EXPECT_THAT(IpAddress::parse("192.0.2.1")->bytes(), ElementsAre(192, 0, 2, 1));
}

TEST(AnIpAddress, IsNothingElse) {
    using namespace std::string_view_literals;
    for (const std::string_view text :
         {""sv, "192.0.2"sv, "192.0.2.256"sv, "192.0.2.1 "sv, "host"sv, "fe80::1%eth0"sv, ":::"sv, "192.0.2.1\0"sv,
          "1111:2222:3333:4444:5555:6666:7777:8888:9999"sv, "192.0.2.1/24"sv})
        EXPECT_FALSE(IpAddress::parse(text)) << text;
}

TEST(AnIpAddress, IsMadeOfItsBytes) {
    const auto address = IpAddress::parse("2001:db8::7");
    EXPECT_EQ(IpAddress::from_bytes(address->bytes()), address);
    EXPECT_EQ(IpAddress::from_bytes(IpAddress::parse("192.0.2.1")->bytes())->text(), "192.0.2.1");
    EXPECT_FALSE(IpAddress::from_bytes(address->bytes().first(5)));
}

TEST(AnIpAddress, KnowsWhatIsSpecialAboutIt) {
    EXPECT_TRUE(IpAddress::parse("::")->is_unspecified());
    EXPECT_TRUE(IpAddress::parse("0.0.0.0")->is_unspecified());
    EXPECT_FALSE(IpAddress::parse("0.0.0.1")->is_unspecified());
    EXPECT_TRUE(IpAddress::parse("169.254.7.7")->is_link_local());
    EXPECT_TRUE(IpAddress::parse("febf::1")->is_link_local());
    EXPECT_FALSE(IpAddress::parse("fec0::1")->is_link_local());
}

TEST(APrefix, HasALengthThatFitsItsFamily) {
    EXPECT_EQ(IpPrefix::parse("192.0.2.7/24")->text(), "192.0.2.7/24");
    EXPECT_EQ(IpPrefix::parse("192.0.2.7")->length, 32U);
    EXPECT_EQ(IpPrefix::parse("2001:db8::7")->length, 128U);
    for (const char* text : {"192.0.2.7/33", "2001:db8::7/129", "192.0.2.7/", "192.0.2.7/-1", "/24", "192.0.2.7/24/1"})
        EXPECT_FALSE(IpPrefix::parse(text)) << text;
}

TEST(APrefix, ContainsWhatHasItsFirstBits) {
    const auto prefix = IpPrefix::parse("192.0.2.66/26");
    EXPECT_TRUE(prefix->contains(*IpAddress::parse("192.0.2.127")));
    EXPECT_FALSE(prefix->contains(*IpAddress::parse("192.0.2.128")));
    EXPECT_FALSE(prefix->contains(*IpAddress::parse("::")));
    EXPECT_TRUE(IpPrefix::parse("::/0")->contains(*IpAddress::parse("2001:db8::1")));
}

} // namespace machinist
