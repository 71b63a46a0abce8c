// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/mac_address.hpp"

#include <gtest/gtest.h>

namespace machinist {

TEST(AMacAddress, IsReadInItsThreeForms) {
    for (const char* text : {"02:00:5e:10:AB:01", "02-00-5e-10-ab-01", "0200.5e10.ab01"}) {
        const auto address = MacAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->text(), "02:00:5e:10:ab:01");
    }
    for (const char* text : {"", "02:00:5e:10:ab", "02:00:5e:10:ab:01:02", "2:0:5e:10:ab:1", "02:00:5e:10:ab:0g",
                             "02:00-5e:10:ab:01", "0200.5e10.ab0", "+2:00:5e:10:ab:01"})
        EXPECT_FALSE(MacAddress::parse(text)) << text;
}

TEST(AMacAddress, OfALinkIsNeitherZeroNorOfAGroup) {
    EXPECT_TRUE(MacAddress::parse("02:00:00:00:00:01")->is_of_a_link());
    EXPECT_FALSE(MacAddress::parse("00:00:00:00:00:00")->is_of_a_link());
    EXPECT_FALSE(MacAddress::parse("33:33:00:00:00:01")->is_of_a_link());
}

} // namespace machinist
