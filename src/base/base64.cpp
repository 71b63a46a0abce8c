// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/base64.hpp"

#include <cstdint>

namespace machinist {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

} // namespace

std::string base64(std::string_view bytes) {
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::string_view group = bytes.substr(at, 3);
        std::uint32_t word = 0;
        for (std::size_t index = 0; index < 3; ++index)
            word = word << 8 | (index < group.size() ? static_cast<std::uint8_t>(group[index]) : 0);
        for (std::size_t index = 0; index < 4; ++index)
            text.push_back(index <= group.size() ? alphabet[word >> (18 - 6 * index) & 63] : '=');
    }
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    std::string bytes;
    std::string_view digits = text;
    while (digits.ends_with('='))
        digits.remove_suffix(1);
    std::uint32_t word = 0;
    unsigned bits = 0;
    for (const char digit : digits) {
        const auto value = alphabet.find(digit);
        if (value == std::string_view::npos)
            return std::nullopt;
        word = word << 6 | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes.push_back(static_cast<char>(word >> bits & 0xFF));
        }
    }
    // One spelling for each text: loose bits and wrong padding are refused.
    if (base64(bytes) != text)
        return std::nullopt;
    return bytes;
}

} // namespace machinist
