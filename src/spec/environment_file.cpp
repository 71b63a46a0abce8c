// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/environment_file.hpp"

#include <algorithm>
#include <cstddef>

namespace machinist {

namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr std::string_view need_escape = "\"\\`$";
constexpr std::string_view need_quotes = "\"\\`$*?['()<>|&;!# \t\r\n";

// The value that starts at position; leaves position behind its line. Nothing if a quote stays open.
std::optional<std::string> read_value(std::string_view text, std::size_t& position) {
    std::string value;
    std::size_t kept = 0; // blanks behind this length were not quoted: they go if they end the line
    while (position < text.size() && (text[position] == ' ' || text[position] == '\t'))
        ++position;
    while (position < text.size()) {
        const char c = text[position++];
        if (c == '\n')
            break;
        if (c == '\\') {
            if (position < text.size() && text[position] != '\n')
                value += text[position];
            ++position;
            kept = value.size();
        } else if (c == '\'' || c == '"') {
            while (position < text.size() && text[position] != c) {
                char inner = text[position++];
                if (c == '"' && inner == '\\' && position < text.size()) {
                    inner = text[position++];
                    if (inner == '\n')
                        continue;
                    if (!need_escape.contains(inner))
                        value += '\\';
                }
                value += inner;
            }
            if (position >= text.size())
                return std::nullopt;
            ++position;
            kept = value.size();
        } else {
            value += c;
            if (!blanks.contains(c))
                kept = value.size();
        }
    }
    value.resize(kept);
    return value;
}

} // namespace

std::string environment_line(std::string_view name, std::string_view value) {
    value = value.substr(0, value.find('\0'));
    std::string line{name};
    line += '=';
    bool quoted = false;
    for (const char c : value)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || need_quotes.contains(c))
            quoted = true;
    if (quoted)
        line += '"';
    for (const char c : value) {
        if (need_escape.contains(c))
            line += '\\';
        line += c;
    }
    line.append(quoted ? "\"\n" : "\n");
    return line;
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_environment_file(std::string_view text) {
    std::vector<std::pair<std::string, std::string>> assignments;
    std::size_t position = 0;
    while ((position = text.find_first_not_of(blanks, position)) != std::string_view::npos) {
        const std::size_t end = std::min(text.find('\n', position), text.size());
        const std::size_t sign = text.find('=', position);
        if (text[position] == '#' || text[position] == ';' || sign >= end) {
            position = end;
            continue;
        }
        std::string name{text.substr(position, sign - position)};
        name.resize(name.find_last_not_of(blanks) + 1);
        position = sign + 1;
        auto value = read_value(text, position);
        if (!value)
            return std::nullopt;
        assignments.emplace_back(std::move(name), std::move(*value));
    }
    return assignments;
}

} // namespace machinist
