// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/base64.hpp"

#include <gtest/gtest.h>

namespace machinist {

TEST(Base64, GivesTheVectorsOfItsStandard) {
    const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                           {"f", "Zg=="},
                                                           {"fo", "Zm8="},
                                                           {"foo", "Zm9v"},
                                                           {"foob", "Zm9vYg=="},
                                                           {"fooba", "Zm9vYmE="},
                                                           {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : vectors) {
        EXPECT_EQ(base64(bytes), text);
        EXPECT_EQ(from_base64(text), bytes);
    }
}

TEST(Base64, HasOneSpellingOnly) {
    for (const char* text : {"Zg", "Zg=", "Zh==", "Z", "=", "Zm9v=", "Zg==Zg==", "Zm9 v", "Zm9v\n", "Zm_v"})
        EXPECT_FALSE(from_base64(text)) << text;
}

} // namespace machinist
