// SPDX-License-Identifier: LGPL-2.1-or-later
// Makes a machine's text safe to keep in a line and to show: well-formed UTF-8 without control characters.
// Fields of sd_notify are read again line by line; a line feed in one would be a field of the sender's choice.
#pragma once

#include "supervisor/keeper/text.hpp"

namespace machinist::keeper {

// The length of the well-formed printable character at the front, 0 if there is none.
inline std::size_t printable_character(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned first = byte(0);
    if (first < 0x80)
        return first >= ' ' && first != 0x7f ? 1 : 0;
    const std::size_t length = first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    if (length == 0 || first > 0xf4 || text.size() < length)
        return 0;
    unsigned character = first & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (byte(i) & 0x3f);
    }
    const bool overlong = character < (length == 4 ? 0x10000U : length == 3 ? 0x800U : 0x80U);
    const bool surrogate = character >= 0xd800 && character <= 0xdfff;
    const bool control = character < 0xa0 || character == 0x2028 || character == 0x2029;
    return overlong || surrogate || control || character > 0x10ffff ? 0 : length;
}

// At most `most` bytes, whole characters; '?' for each byte that is none.
template <std::size_t capacity>
void make_printable(std::string_view text, Text<capacity>& clean, std::size_t most) {
    while (!text.empty()) {
        const std::size_t length = printable_character(text);
        const std::string_view character = length == 0 ? std::string_view{"?"} : std::string_view{text.data(), length};
        if (clean.view().size() + character.size() > most)
            return;
        clean << character;
        text.remove_prefix(length == 0 ? 1 : length);
    }
}

} // namespace machinist::keeper
