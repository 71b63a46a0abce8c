// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/machine_id.hpp"

#include <gtest/gtest.h>

namespace machinist {

TEST(AMachineId, IsReadInBothSpellings) {
    const auto plain = MachineId::parse("00112233445566778899aabbccddeeff");
    const auto dashed = MachineId::parse("00112233-4455-6677-8899-AABBCCDDEEFF");

    ASSERT_TRUE(plain);
    EXPECT_EQ(plain, dashed);
    EXPECT_EQ(plain->with_dashes(), "00112233-4455-6677-8899-aabbccddeeff");
    EXPECT_EQ(plain->plain(), "00112233445566778899aabbccddeeff");
}

TEST(AMachineId, IsNothingElse) {
    for (const char* text : {"", "0011", "00000000000000000000000000000000", "0011223344556677889-aabbccddeeff00",
                             "0g112233445566778899aabbccddeeff", "00112233445566778899aabbccddeeff\n"})
        EXPECT_FALSE(MachineId::parse(text)) << text;
}

TEST(AMachineId, IsRandomWhenMade) {
    EXPECT_NE(MachineId::random(), MachineId::random());
    EXPECT_EQ(MachineId::random().with_dashes()[14], '4');
}

} // namespace machinist
