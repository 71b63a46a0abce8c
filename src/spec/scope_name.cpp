// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/scope_name.hpp"

namespace machinist {

std::string scope_name(std::string_view key) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_.";
    constexpr std::string_view digits = "0123456789abcdef";
    std::string escaped;
    for (std::size_t at = 0; at < key.size(); ++at) {
        const auto byte = static_cast<unsigned char>(key[at]);
        if (plain.find(key[at]) != std::string_view::npos && (at > 0 || key[at] != '.'))
            escaped += key[at];
        else
            escaped.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
    return "machine-" + escaped + ".scope";
}

} // namespace machinist
