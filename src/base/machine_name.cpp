// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/machine_name.hpp"

#include <algorithm>

namespace machinist {

namespace {

constexpr std::size_t longest = 64;

bool is_label_byte(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
           byte == '-' || byte == '_';
}

} // namespace

std::optional<MachineName> MachineName::parse(std::string_view text) {
    if (text.empty() || text.size() > longest || text.front() == '.' || text.back() == '.' ||
        text.find("..") != std::string_view::npos)
        return std::nullopt;
    if (!std::ranges::all_of(text, [](char byte) { return byte == '.' || is_label_byte(byte); }))
        return std::nullopt;
    return MachineName{std::string{text}};
}

std::optional<MachineName> MachineName::cleaned(std::string_view text) {
    std::string name;
    for (const char byte : text) {
        const bool wanted = is_label_byte(byte) || (byte == '.' && !name.empty() && name.back() != '.');
        if (wanted && name.size() < longest)
            name.push_back(byte);
    }
    while (name.ends_with('.'))
        name.pop_back();
    return parse(name);
}

} // namespace machinist
