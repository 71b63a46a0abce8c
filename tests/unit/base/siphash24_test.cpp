// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/siphash24.hpp"

#include <gtest/gtest.h>
#include <string>

namespace machinist {

TEST(SipHash24, GivesTheVectorsOfItsAuthors) {
    SipHashKey key;
    std::string text;
    for (std::uint8_t at = 0; at < 16; ++at)
        key[at] = at;
    EXPECT_EQ(siphash24(text, key), 0x726fdb47dd0e0e31);
    for (char at = 0; at < 8; ++at)
        text.push_back(at);
    EXPECT_EQ(siphash24(text, key), 0x93f5f5799a932462);
    for (char at = 8; at < 15; ++at)
        text.push_back(at);
    EXPECT_EQ(siphash24(text, key), 0xa129ca6149be45e5);
}

} // namespace machinist
