// SPDX-License-Identifier: LGPL-2.1-or-later
// Quotes and C escapes, as unit files write them.
#include "base/text.hpp"

namespace machinist {

namespace {

void append_utf8(std::string& text, std::uint32_t point) {
    const auto put = [&](std::uint32_t byte) { text.push_back(static_cast<char>(byte)); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xC0 | point >> 6);
        put(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        put(0xE0 | point >> 12);
        put(0x80 | (point >> 6 & 0x3F));
        put(0x80 | (point & 0x3F));
    } else {
        put(0xF0 | point >> 18);
        put(0x80 | (point >> 12 & 0x3F));
        put(0x80 | (point >> 6 & 0x3F));
        put(0x80 | (point & 0x3F));
    }
}

// rest begins behind the backslash; what was read is taken off. False if it has no meaning.
bool read_escape(std::string_view& rest, std::string& text) {
    if (rest.empty())
        return false;
    const char kind = rest.front();
    constexpr std::string_view letters = "abfnrtvs\\\"'";
    constexpr std::string_view meanings = "\a\b\f\n\r\t\v \\\"'";
    if (const auto letter = letters.find(kind); letter != std::string_view::npos) {
        text.push_back(meanings[letter]);
        rest.remove_prefix(1);
        return true;
    }
    const bool octal = kind >= '0' && kind <= '7';
    if (!octal)
        rest.remove_prefix(1);
    const std::size_t length = octal ? 3 : kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    if (length == 0 || rest.size() < length)
        return false;
    const auto code = parse_integer<std::uint32_t>(rest.substr(0, length), octal ? 8 : 16);
    // A zero byte would cut whatever the text becomes; a surrogate is no character.
    const std::uint32_t highest = octal || kind == 'x' ? 0xFF : 0x10FFFF;
    if (!code || *code == 0 || *code > highest || (*code >= 0xD800 && *code <= 0xDFFF))
        return false;
    if (highest == 0xFF)
        text.push_back(static_cast<char>(*code));
    else
        append_utf8(text, *code);
    rest.remove_prefix(length);
    return true;
}

} // namespace

std::optional<std::string> c_unescaped(std::string_view text) {
    std::string plain;
    while (!text.empty()) {
        const char byte = text.front();
        text.remove_prefix(1);
        if (byte != '\\')
            plain.push_back(byte);
        else if (!read_escape(text, plain))
            return std::nullopt;
    }
    return plain;
}

std::optional<std::vector<std::string>> split_quoted(std::string_view text) {
    constexpr std::string_view blanks = " \t\n\r";
    std::vector<std::string> words;
    std::string word;
    bool in_word = false;
    char quote = 0;
    while (!text.empty()) {
        const char byte = text.front();
        text.remove_prefix(1);
        if (byte == '\\') {
            if (!read_escape(text, word))
                return std::nullopt;
            in_word = true;
        } else if (quote != 0) {
            if (byte == quote)
                quote = 0;
            else
                word.push_back(byte);
        } else if (byte == '\'' || byte == '"') {
            quote = byte;
            in_word = true;
        } else if (blanks.find(byte) == std::string_view::npos) {
            word.push_back(byte);
            in_word = true;
        } else if (in_word) {
            words.push_back(std::move(word));
            word.clear();
            in_word = false;
        }
    }
    if (quote != 0)
        return std::nullopt;
    if (in_word)
        words.push_back(std::move(word));
    return words;
}

} // namespace machinist
