// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/prefixes.hpp"

#include <vector>

namespace machinist {

bool overlap(const IpPrefix& one, const IpPrefix& other) {
    return one.length <= other.length ? one.contains(other.address) : other.contains(one.address);
}

IpPrefix network_of(const IpPrefix& prefix) {
    const auto whole = prefix.address.bytes();
    std::vector<std::uint8_t> bytes{whole.begin(), whole.end()};
    for (unsigned bit = prefix.length; bit < prefix.address.bits(); ++bit)
        bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
    return {IpAddress::from_bytes(bytes).value_or(IpAddress{}), prefix.length};
}

IpAddress address_in(const IpPrefix& prefix, std::uint32_t number) {
    const IpPrefix network = network_of(prefix);
    const auto whole = network.address.bytes();
    std::vector<std::uint8_t> bytes{whole.begin(), whole.end()};
    for (std::size_t byte = 0; byte < 4; ++byte)
        bytes[bytes.size() - 1 - byte] |= static_cast<std::uint8_t>(number >> (8 * byte));
    return IpAddress::from_bytes(bytes).value_or(IpAddress{});
}

} // namespace machinist
