// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/link_names.hpp"

#include <algorithm>

namespace machinist {

namespace {

constexpr SipHashKey shortening_key{0xe1, 0x90, 0xa4, 0x04, 0xa8, 0xef, 0x4b, 0x51,
                                    0x8c, 0xcc, 0xc3, 0x3a, 0x9f, 0x11, 0xfc, 0xa2};
constexpr std::size_t hash_length = 4;

// Of base64, in the form that file names and links bear.
char digit_64(std::uint64_t value) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return digits[value & 63];
}

} // namespace

bool is_link_name(std::string_view name, std::size_t longest) {
    // "all" and "default" stand for all links in /proc/sys/net.
    if (name.empty() || name.size() > longest || name == "." || name == ".." || name == "all" || name == "default")
        return false;
    // The kernel takes a number for an index and a percent sign for a pattern.
    const auto is_digit = [](char byte) { return byte >= '0' && byte <= '9'; };
    const auto is_permitted = [](char byte) {
        return byte > ' ' && byte < '\x7f' && byte != ':' && byte != '/' && byte != '%';
    };
    return std::ranges::all_of(name, is_permitted) && !std::ranges::all_of(name, is_digit);
}

std::string fitting_link_name(std::string_view name, unsigned tries) {
    if (name.size() <= longest_link_name && tries == 0)
        return std::string{name};
    std::string hashed{name};
    if (tries > 0)
        hashed += "#" + std::to_string(tries);
    const std::uint64_t hash = siphash24(hashed, shortening_key);
    std::string fitting{name.substr(0, longest_link_name - hash_length)};
    for (unsigned digit = hash_length; digit-- > 0;)
        fitting.push_back(digit_64(hash >> (6 * digit)));
    return fitting;
}

MacAddress derived_mac(const SipHashKey& key, const MachineId& host, std::string_view machine, std::uint64_t number) {
    std::string hashed{host.bytes().begin(), host.bytes().end()};
    hashed += machine;
    for (unsigned byte = 0; number > 0 && byte < sizeof number; ++byte)
        hashed.push_back(static_cast<char>(number >> (8 * byte) & 0xFF));
    const std::uint64_t hash = siphash24(hashed, key);
    MacAddress mac;
    for (std::size_t byte = 0; byte < mac.bytes.size(); ++byte)
        mac.bytes[byte] = static_cast<std::uint8_t>(hash >> (8 * byte) & 0xFF);
    // Of one link, and of nobody's manufacture.
    mac.bytes[0] = static_cast<std::uint8_t>((mac.bytes[0] & 0xFEU) | 0x02U);
    return mac;
}

} // namespace machinist
