// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/ip_address.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <arpa/inet.h>

namespace machinist {

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    IpAddress address;
    address.is_ipv6_ = text.find(':') != std::string_view::npos;
    if (text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos ||
        ::inet_pton(address.family(), std::string{text}.c_str(), address.bytes_.data()) != 1)
        return std::nullopt;
    return address;
}

std::optional<IpAddress> IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
    IpAddress address;
    address.is_ipv6_ = bytes.size() == address.bytes_.size();
    if (bytes.size() != address.bytes().size())
        return std::nullopt;
    std::ranges::copy(bytes, address.bytes_.begin());
    return address;
}

int IpAddress::family() const {
    return is_ipv6_ ? AF_INET6 : AF_INET;
}

bool IpAddress::is_unspecified() const {
    return std::ranges::all_of(bytes_, [](std::uint8_t byte) { return byte == 0; });
}

bool IpAddress::is_link_local() const {
    return is_ipv6_ ? bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80 : bytes_[0] == 169 && bytes_[1] == 254;
}

std::string IpAddress::text() const {
    char text[INET6_ADDRSTRLEN];
    return ::inet_ntop(family(), bytes_.data(), text, sizeof text) ? text : "";
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address)
        return std::nullopt;
    const auto length =
        slash == std::string_view::npos ? address->bits() : parse_integer<unsigned>(text.substr(slash + 1));
    if (!length || *length > address->bits())
        return std::nullopt;
    return IpPrefix{*address, *length};
}

bool IpPrefix::contains(const IpAddress& other) const {
    if (other.is_ipv6() != address.is_ipv6())
        return false;
    for (unsigned bit = 0; bit < length; ++bit) {
        const unsigned mask = 0x80U >> (bit % 8);
        if ((address.bytes()[bit / 8] & mask) != (other.bytes()[bit / 8] & mask))
            return false;
    }
    return true;
}

std::string IpPrefix::text() const {
    return address.text() + "/" + std::to_string(length);
}

} // namespace machinist
