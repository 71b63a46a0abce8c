// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/disk_opening.hpp"

#include <gtest/gtest.h>

namespace machinist {

namespace {

LuksOpening a_luks() {
    return {.cipher = "aes-xts-plain64",
            .key = std::string(128, 'a'),
            .offset = 16 << 20,
            .first_iv = 7,
            .sector_size = 4096,
            .allows_discards = true};
}

VerityOpening a_verity() {
    return {.version = 1,
            .algorithm = "sha256",
            .data_block = 4096,
            .tree_block = 1024,
            .data_blocks = 8192,
            .first_tree_block = 1,
            .salt = "00ff"};
}

} // namespace

TEST(ADiskOpening, IsReadAsItWasWritten) {
    EXPECT_EQ(parse_luks_opening(text_of(a_luks())), a_luks());
    EXPECT_EQ(parse_verity_opening(text_of(a_verity())), a_verity());
    VerityOpening without_salt = a_verity();
    without_salt.salt.clear();
    EXPECT_EQ(parse_verity_opening(text_of(without_salt)), without_salt);
}

TEST(ADiskOpening, HasNoWordThatADeviceTableWouldTakeForMore) {
    for (const char* cipher : {"", "aes xts", "aes\txts", "aes\n", "../aes", "a;b"}) {
        LuksOpening opening = a_luks();
        opening.cipher = cipher;
        EXPECT_EQ(parse_luks_opening(text_of(opening)), std::nullopt) << cipher;
    }
    for (const char* key : {"", "a", "zz", "aa 0", "AA"}) {
        LuksOpening opening = a_luks();
        opening.key = key;
        EXPECT_EQ(parse_luks_opening(text_of(opening)), std::nullopt) << key;
    }
    for (const char* salt : {"0", "00 1", "xy"}) {
        VerityOpening opening = a_verity();
        opening.salt = salt;
        EXPECT_EQ(parse_verity_opening(text_of(opening)), std::nullopt) << salt;
    }
}

TEST(ADiskOpening, OfImpossibleSizesIsNone) {
    for (const std::uint32_t size : {0U, 1U, 511U, 513U, 1U << 20}) {
        LuksOpening luks = a_luks();
        luks.sector_size = size;
        EXPECT_EQ(parse_luks_opening(text_of(luks)), std::nullopt) << size;
        VerityOpening verity = a_verity();
        verity.data_block = size;
        EXPECT_EQ(parse_verity_opening(text_of(verity)), std::nullopt) << size;
    }
    VerityOpening endless = a_verity();
    endless.data_blocks = UINT64_MAX / 2;
    EXPECT_EQ(parse_verity_opening(text_of(endless)), std::nullopt);
}

TEST(ASignedHash, IsWhatItsTextSays) {
    const SignedHash hash{.root_hash = std::string(64, 'a'), .signature = std::string{"\0\n \xff", 4}};

    EXPECT_EQ(parse_signed_hash(text_of(hash)), hash);
    for (std::size_t length = 0; length < text_of(hash).size(); ++length)
        EXPECT_EQ(parse_signed_hash(text_of(hash).substr(0, length)), std::nullopt);
    for (const std::string& digits : {std::string{}, std::string(30, 'a'), std::string(33, 'a'), std::string(64, 'A'),
                                      std::string(64, 'x'), std::string(258, 'a')})
        EXPECT_EQ(parse_signed_hash(text_of(SignedHash{digits, "x"})), std::nullopt) << digits;
    EXPECT_EQ(parse_signed_hash(text_of(SignedHash{hash.root_hash, ""})), std::nullopt);
    EXPECT_EQ(parse_signed_hash(text_of(SignedHash{hash.root_hash, std::string(65537, 'x')})), std::nullopt);
}

TEST(ADiskOpening, ThatIsCutOffIsNone) {
    for (const std::string& text : {text_of(a_luks()), text_of(a_verity())})
        for (std::size_t length = 0; length < text.size(); ++length) {
            EXPECT_EQ(parse_luks_opening(text.substr(0, length)), std::nullopt);
            EXPECT_EQ(parse_verity_opening(text.substr(0, length)), std::nullopt);
        }
}

} // namespace machinist
