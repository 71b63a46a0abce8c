// SPDX-License-Identifier: LGPL-2.1-or-later
// The written names of an enumeration's values, as one table for both directions.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace machinist {

template <typename Enum, std::size_t count>
using EnumNames = std::array<std::pair<Enum, std::string_view>, count>;

template <typename Enum, std::size_t count>
constexpr std::string_view name_of(const EnumNames<Enum, count>& names, Enum value) {
    for (const auto& [candidate, name] : names)
        if (candidate == value)
            return name;
    return "?";
}

template <typename Enum, std::size_t count>
constexpr std::optional<Enum> value_named(const EnumNames<Enum, count>& names, std::string_view text) {
    for (const auto& [value, name] : names)
        if (name == text)
            return value;
    return std::nullopt;
}

// "a, b, c": for the remedy of a message about an unknown name.
template <typename Enum, std::size_t count>
std::string listed(const EnumNames<Enum, count>& names) {
    std::string list;
    for (const auto& [value, name] : names)
        list.append(list.empty() ? "" : ", ").append(name);
    return list;
}

} // namespace machinist
