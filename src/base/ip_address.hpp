// SPDX-License-Identifier: LGPL-2.1-or-later
// Addresses of IPv4 and IPv6, alone and with the length of their network's prefix, from text and to it.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace machinist {

class IpAddress {
public:
    // 0.0.0.0
    IpAddress() = default;
    // "192.0.2.1", "2001:db8::1"; no name, no interface behind a percent sign.
    static std::optional<IpAddress> parse(std::string_view text);
    // Four bytes or sixteen, the first one first; nothing for any other number.
    static std::optional<IpAddress> from_bytes(std::span<const std::uint8_t> bytes);

    [[nodiscard]] bool is_ipv6() const {
        return is_ipv6_;
    }
    [[nodiscard]] int family() const; // AF_INET, AF_INET6
    [[nodiscard]] unsigned bits() const {
        return is_ipv6_ ? 128 : 32;
    }
    [[nodiscard]] std::span<const std::uint8_t> bytes() const {
        return std::span{bytes_}.first(bits() / 8);
    }
    // 0.0.0.0 or ::
    [[nodiscard]] bool is_unspecified() const;
    // fe80::/10 or 169.254.0.0/16
    [[nodiscard]] bool is_link_local() const;
    [[nodiscard]] std::string text() const;
    friend bool operator==(const IpAddress&, const IpAddress&) = default;
    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

private:
    bool is_ipv6_ = false;
    std::array<std::uint8_t, 16> bytes_{};
};

// An address together with how many of its first bits are the network's.
struct IpPrefix {
    IpAddress address;
    unsigned length = 0;

    // "192.0.2.1/24"; without a length all bits count.
    static std::optional<IpPrefix> parse(std::string_view text);
    [[nodiscard]] bool contains(const IpAddress& other) const;
    [[nodiscard]] std::string text() const;
    friend bool operator==(const IpPrefix&, const IpPrefix&) = default;
};

} // namespace machinist
