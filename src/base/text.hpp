// SPDX-License-Identifier: LGPL-2.1-or-later
// Reading values out of text that somebody wrote: words, numbers, sizes, booleans. Nothing is assumed to be ASCII.
#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

std::string_view trimmed(std::string_view text);
std::string lower_case(std::string_view text);

// Empty parts are kept: "a::b" has three.
std::vector<std::string_view> split(std::string_view text, char separator);
// Words between any of the separators; empty ones are dropped.
std::vector<std::string_view> split_words(std::string_view text, std::string_view separators = " \t\n\r");
// Parts as split() gives them, where "\:" is the separator itself (any separator) and "\\" a backslash. Nothing if
// the text ends in a lone backslash.
std::optional<std::vector<std::string>> split_escaped(std::string_view text, char separator);
// Words as in unit files: '...' and "..." keep blanks, C escapes count everywhere. Nothing for an open quote or an
// escape that has no meaning.
std::optional<std::vector<std::string>> split_quoted(std::string_view text);
// "\n", "\x41", "\101", "\u00e4", "\s" (a blank) and the like; nothing for an escape that has no meaning.
std::optional<std::string> c_unescaped(std::string_view text);
std::string joined(const std::vector<std::string>& parts, std::string_view separator);

// The whole text is one decimal number in Number's range. No sign for unsigned ones, no blanks.
template <std::integral Number>
std::optional<Number> parse_integer(std::string_view text, int base = 10) {
    Number number{};
    const auto [end, cause] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (cause != std::errc{} || end != text.data() + text.size() || text.empty())
        return std::nullopt;
    return number;
}

// 1 yes y true t on, 0 no n false f off; case does not matter.
std::optional<bool> parse_bool(std::string_view text);
// Bytes, with an optional suffix B K M G T P E (powers of 1024) and an optional fraction before it.
std::optional<std::uint64_t> parse_size(std::string_view text);
// "0-3,8 10": ascending, without repetition. Nothing for an empty list or numbers above 8191.
std::optional<std::vector<int>> parse_cpu_list(std::string_view text);

bool is_utf8(std::string_view text);
// Bytes below space, and DEL: what must not reach a terminal, a log line or a file of lines.
bool has_control_characters(std::string_view text);
// What can be shown anywhere: control characters and bytes that are no UTF-8 as \xNN, a backslash as \\.
std::string escaped_for_people(std::string_view text);

// [A-Za-z_][A-Za-z0-9_]*
bool is_environment_name(std::string_view text);

} // namespace machinist
