// SPDX-License-Identifier: LGPL-2.1-or-later
// How the kernel is to open a filesystem that is encrypted or verified: what the headers of LUKS and verity and the
// signature partition say, as data. Also its text, by which the program that reads them tells it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

struct LuksOpening {
    std::string cipher;       // as dm-crypt names it: "aes-xts-plain64"
    std::string key;          // of the volume, hexadecimal
    std::uint64_t offset = 0; // of the data, bytes
    std::uint64_t first_iv = 0;
    std::uint32_t sector_size = 512;
    bool allows_discards = false;
    friend bool operator==(const LuksOpening&, const LuksOpening&) = default;
};

struct VerityOpening {
    unsigned version = 1;
    std::string algorithm;
    std::uint32_t data_block = 0; // bytes of one
    std::uint32_t tree_block = 0;
    std::uint64_t data_blocks = 0; // how many
    std::uint64_t first_tree_block = 0;
    std::string salt; // hexadecimal
    friend bool operator==(const VerityOpening&, const VerityOpening&) = default;
};

// What an image says itself of the hash at the top of its tree. Nothing is proved by it before somebody has verified
// the signature.
struct SignedHash {
    std::string root_hash; // hexadecimal, lower case
    std::string signature; // PKCS#7, its bytes
    friend bool operator==(const SignedHash&, const SignedHash&) = default;
};

inline constexpr std::size_t longest_root_hash_signature = 65536;

// In lower case.
bool is_root_hash(std::string_view digits);

// One line. What is parsed has no word in it that a device table would take for more than one.
std::string text_of(const LuksOpening& opening);
std::string text_of(const VerityOpening& opening);
std::string text_of(const SignedHash& hash);
std::optional<LuksOpening> parse_luks_opening(std::string_view text);
std::optional<VerityOpening> parse_verity_opening(std::string_view text);
std::optional<SignedHash> parse_signed_hash(std::string_view text);

} // namespace machinist
