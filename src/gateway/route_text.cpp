// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/route_text.hpp"

#include "base/text.hpp"

#include <array>
#include <net/route.h>
#include <optional>
#include <span>

namespace machinist {

namespace {

constexpr unsigned unusable = RTF_REJECT;
constexpr unsigned local_v6 = 0x80000000U; // RTF_LOCAL of the kernel's own header

std::optional<IpAddress> address_of_hex(std::string_view digits, bool reversed) {
    std::array<std::uint8_t, 16> bytes{};
    const std::size_t count = digits.size() / 2;
    if (digits.size() % 2 != 0 || count > bytes.size())
        return std::nullopt;
    for (std::size_t at = 0; at < count; ++at) {
        const auto byte = parse_integer<unsigned>(digits.substr(2 * at, 2), 16);
        if (!byte)
            return std::nullopt;
        bytes[reversed ? count - 1 - at : at] = static_cast<std::uint8_t>(*byte);
    }
    return IpAddress::from_bytes(std::span{bytes}.first(count));
}

unsigned length_of_mask(const IpAddress& mask) {
    unsigned length = 0;
    for (const std::uint8_t byte : mask.bytes())
        length += static_cast<unsigned>(__builtin_popcount(byte));
    return length;
}

} // namespace

std::vector<HostRoute> parse_routes_v4(std::string_view text) {
    std::vector<HostRoute> routes;
    for (const std::string_view line : split_words(text, "\n")) {
        const auto words = split_words(line);
        if (words.size() < 8)
            continue;
        const auto destination = address_of_hex(words[1], true);
        const auto mask = address_of_hex(words[7], true);
        const auto flags = parse_integer<unsigned>(words[3], 16);
        if (destination && mask && flags && (*flags & unusable) == 0)
            routes.push_back({{*destination, length_of_mask(*mask)}, std::string{words[0]}});
    }
    return routes;
}

std::vector<HostRoute> parse_routes_v6(std::string_view text) {
    std::vector<HostRoute> routes;
    for (const std::string_view line : split_words(text, "\n")) {
        const auto words = split_words(line);
        if (words.size() < 10)
            continue;
        const auto destination = address_of_hex(words[0], false);
        const auto length = parse_integer<unsigned>(words[1], 16);
        const auto flags = parse_integer<unsigned>(words[8], 16);
        if (destination && length && flags && (*flags & (unusable | local_v6)) == 0 && words[9] != "lo")
            routes.push_back({{*destination, *length}, std::string{words[9]}});
    }
    return routes;
}

} // namespace machinist
