// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/cdi_name.hpp"

#include <algorithm>

namespace machinist {

namespace {

constexpr std::size_t longest_part = 253;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_word(std::string_view text, std::string_view also) {
    const auto fits = [&](char c) { return is_letter(c) || is_digit(c) || also.find(c) != std::string_view::npos; };
    return !text.empty() && text.size() <= longest_part && std::ranges::all_of(text, fits) &&
           also.find(text.front()) == std::string_view::npos && also.find(text.back()) == std::string_view::npos;
}

} // namespace

bool is_cdi_kind(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos)
        return false;
    const auto is_part = [](std::string_view part) { return is_word(part, "_-.") && is_letter(part.front()); };
    return is_part(text.substr(0, slash)) && is_part(text.substr(slash + 1));
}

bool is_cdi_device(std::string_view text) {
    return is_word(text, "_-.:");
}

std::optional<CdiName> parse_cdi_name(std::string_view text) {
    const auto equals = text.find('=');
    if (equals == std::string_view::npos || !is_cdi_kind(text.substr(0, equals)) ||
        !is_cdi_device(text.substr(equals + 1)))
        return std::nullopt;
    return CdiName{std::string{text.substr(0, equals)}, std::string{text.substr(equals + 1)}};
}

std::string text_of(const CdiName& name) {
    return name.kind + "=" + name.device;
}

} // namespace machinist
