// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.hpp"

#include <algorithm>
#include <set>

namespace machinist {

namespace {

constexpr std::string_view blanks = " \t\n\r";

bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

bool is_letter(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

} // namespace

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string lower_case(std::string_view text) {
    std::string lower{text};
    for (char& byte : lower)
        if (byte >= 'A' && byte <= 'Z')
            byte = static_cast<char>(byte - 'A' + 'a');
    return lower;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return parts;
        text.remove_prefix(end + 1);
    }
}

std::vector<std::string_view> split_words(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> words;
    for (;;) {
        const auto first = text.find_first_not_of(separators);
        if (first == std::string_view::npos)
            return words;
        text.remove_prefix(first);
        const auto end = text.find_first_of(separators);
        words.push_back(text.substr(0, end));
        if (end == std::string_view::npos)
            return words;
        text.remove_prefix(end);
    }
}

std::optional<std::vector<std::string>> split_escaped(std::string_view text, char separator) {
    std::vector<std::string> parts(1);
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '\\') {
            if (++at == text.size())
                return std::nullopt;
            parts.back().push_back(text[at]);
        } else if (text[at] == separator) {
            parts.emplace_back();
        } else {
            parts.back().push_back(text[at]);
        }
    }
    return parts;
}

std::string joined(const std::vector<std::string>& parts, std::string_view separator) {
    std::string text;
    for (const std::string& part : parts) {
        if (&part != &parts.front())
            text.append(separator);
        text.append(part);
    }
    return text;
}

std::optional<bool> parse_bool(std::string_view text) {
    constexpr std::string_view yes[] = {"1", "yes", "y", "true", "t", "on"};
    constexpr std::string_view no[] = {"0", "no", "n", "false", "f", "off"};
    const std::string lower = lower_case(text);
    if (std::ranges::find(yes, lower) != std::end(yes))
        return true;
    if (std::ranges::find(no, lower) != std::end(no))
        return false;
    return std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    constexpr std::string_view suffixes = "BKMGTPE";
    unsigned shift = 0;
    if (!text.empty() && !is_digit(text.back()) && text.back() != '.') {
        const auto suffix = suffixes.find(text.back());
        if (suffix == std::string_view::npos)
            return std::nullopt;
        shift = static_cast<unsigned>(suffix) * 10;
        text.remove_suffix(1);
    }
    const auto dot = text.find('.');
    const auto whole = parse_integer<std::uint64_t>(text.substr(0, dot));
    if (!whole || *whole > (~std::uint64_t{0} >> shift))
        return std::nullopt;
    std::uint64_t size = *whole << shift;
    if (dot != std::string_view::npos) {
        const std::string_view digits = text.substr(dot + 1);
        // More digits say nothing that a double could still hold beside the others.
        if (digits.empty() || digits.size() > 9 || !std::ranges::all_of(digits, is_digit))
            return std::nullopt;
        const double fraction = static_cast<double>(*parse_integer<std::uint64_t>(digits));
        double scale = 1;
        for (std::size_t digit = 0; digit < digits.size(); ++digit)
            scale *= 10;
        const auto part = static_cast<std::uint64_t>(fraction / scale * static_cast<double>(std::uint64_t{1} << shift));
        if (size > ~std::uint64_t{0} - part)
            return std::nullopt;
        size += part;
    }
    return size;
}

std::optional<std::vector<int>> parse_cpu_list(std::string_view text) {
    constexpr int highest = 8191;
    std::set<int> cpus;
    for (const std::string_view word : split_words(text, ", \t\n")) {
        const auto dash = word.find('-');
        const auto first = parse_integer<unsigned>(word.substr(0, dash));
        const auto last = dash == std::string_view::npos ? first : parse_integer<unsigned>(word.substr(dash + 1));
        if (!first || !last || *first > *last || *last > highest)
            return std::nullopt;
        for (unsigned cpu = *first; cpu <= *last; ++cpu)
            cpus.insert(static_cast<int>(cpu));
    }
    if (cpus.empty())
        return std::nullopt;
    return std::vector<int>{cpus.begin(), cpus.end()};
}

namespace {

// The length of the UTF-8 sequence at the beginning; 0 if there is none.
std::size_t sequence_length(std::string_view text) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned lead = byte(0);
    const std::size_t length = lead < 0x80   ? 1
                               : lead < 0xC2 ? 0
                               : lead < 0xE0 ? 2
                               : lead < 0xF0 ? 3
                               : lead < 0xF5 ? 4
                                             : 0;
    if (length == 0 || length > text.size())
        return 0;
    for (std::size_t at = 1; at < length; ++at)
        if ((byte(at) & 0xC0) != 0x80)
            return 0;
    // Overlong forms, surrogates, beyond the last plane.
    if ((lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF0 && byte(1) < 0x90) ||
        (lead == 0xF4 && byte(1) > 0x8F))
        return 0;
    return length;
}

bool is_control(char byte) {
    return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F;
}

} // namespace

bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        if (length == 0)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

bool has_control_characters(std::string_view text) {
    return std::ranges::any_of(text, is_control);
}

std::string escaped_for_people(std::string_view text) {
    // Nearly all that is ever shown, thousands of cells in a table.
    if (std::ranges::all_of(text, [](char byte) { return byte >= ' ' && byte < 0x7F && byte != '\\'; }))
        return std::string{text};
    std::string shown;
    while (!text.empty()) {
        const std::size_t length = sequence_length(text);
        const bool c1_control = length == 2 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0;
        if (text.front() == '\\') {
            shown.append("\\\\");
        } else if (length == 0 || c1_control || is_control(text.front())) {
            constexpr std::string_view digits = "0123456789abcdef";
            const auto byte = static_cast<unsigned char>(text.front());
            shown.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
            text.remove_prefix(1);
            continue;
        } else {
            shown.append(text.substr(0, length));
        }
        text.remove_prefix(length);
    }
    return shown;
}

bool is_environment_name(std::string_view text) {
    return !text.empty() && !is_digit(text.front()) &&
           std::ranges::all_of(text, [](char byte) { return byte == '_' || is_digit(byte) || is_letter(byte); });
}

} // namespace machinist
