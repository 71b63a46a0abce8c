// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/mac_address.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace machinist {

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
    const char separator = text.find(':') != std::string_view::npos   ? ':'
                           : text.find('-') != std::string_view::npos ? '-'
                                                                      : '.';
    const std::size_t digits = separator == '.' ? 4 : 2; // between two separators
    MacAddress address;
    const auto parts = split(text, separator);
    if (parts.size() * digits != address.bytes.size() * 2)
        return std::nullopt;
    std::size_t at = 0;
    for (const std::string_view part : parts) {
        if (part.size() != digits)
            return std::nullopt;
        for (std::size_t digit = 0; digit < digits; digit += 2) {
            const auto byte = parse_integer<std::uint8_t>(part.substr(digit, 2), 16);
            if (!byte)
                return std::nullopt;
            address.bytes[at++] = *byte;
        }
    }
    return address;
}

std::string MacAddress::text() const {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::uint8_t byte : bytes) {
        if (!text.empty())
            text.push_back(':');
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

bool MacAddress::is_of_a_link() const {
    return (bytes[0] & 1) == 0 && std::ranges::any_of(bytes, [](std::uint8_t byte) { return byte != 0; });
}

} // namespace machinist
