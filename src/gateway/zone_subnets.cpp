// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/zone_subnets.hpp"

#include "base/failure.hpp"
#include "base/siphash24.hpp"
#include "gateway/prefixes.hpp"

#include <algorithm>
#include <array>

namespace machinist {

namespace {

constexpr SipHashKey zone_key{0x5c, 0x2e, 0x91, 0x04, 0xd7, 0x63, 0x4b, 0x3f,
                              0xa0, 0x18, 0xee, 0x72, 0x0b, 0xc9, 0x55, 0x86};
constexpr SipHashKey machine_key{0x1f, 0x84, 0x6d, 0x3a, 0x90, 0xc7, 0x42, 0x2b,
                                 0xb5, 0x0e, 0x71, 0xd8, 0x66, 0x9c, 0x27, 0xf3};
constexpr unsigned most_tries = 512;

// 10.0.0.0/8 without its first and last quarter, where people and other programs put theirs by hand.
IpPrefix candidate_v4(std::uint64_t seed, unsigned attempt, unsigned length) {
    constexpr std::uint32_t first = 0x0a400000; // 10.64.0.0
    const std::uint32_t count = 0x00800000U >> (32 - length);
    const auto number = static_cast<std::uint32_t>((seed + std::uint64_t{attempt} * 2654435761U) % count);
    return {address_in({}, first + (number << (32 - length)) + 1), length};
}

// A unique local prefix (RFC 4193): forty bits of the host, sixteen of the zone.
IpPrefix candidate_v6(std::uint64_t host, std::uint64_t seed, unsigned attempt) {
    std::array<std::uint8_t, 16> bytes{0xfd};
    for (unsigned byte = 0; byte < 5; ++byte)
        bytes[1 + byte] = static_cast<std::uint8_t>(host >> (8 * byte));
    const auto subnet = static_cast<std::uint16_t>(seed + attempt);
    bytes[6] = static_cast<std::uint8_t>(subnet >> 8);
    bytes[7] = static_cast<std::uint8_t>(subnet);
    bytes[15] = 1;
    return {IpAddress::from_bytes(bytes).value_or(IpAddress{}), zone_length_v6};
}

template <typename Candidate>
IpPrefix choose(std::string_view zone, const std::vector<IpPrefix>& taken, const std::vector<IpPrefix>& present,
                const Candidate& candidate) {
    for (unsigned attempt = 0; attempt < most_tries; ++attempt)
        if (std::ranges::find(present, candidate(attempt)) != present.end())
            return candidate(attempt);
    for (unsigned attempt = 0; attempt < most_tries; ++attempt) {
        const IpPrefix found = candidate(attempt);
        if (std::ranges::none_of(taken, [&](const IpPrefix& other) { return overlap(other, found); }))
            return found;
    }
    throw Failure{FailureKind::busy,
                  "find addresses for zone '" + std::string{zone} + "' that no route of the host leads to"}
        .try_instead("--network-bridge= with a bridge of your own");
}

} // namespace

ZoneSubnets choose_zone_subnets(std::string_view zone, std::string_view host, unsigned length_v4,
                                const std::vector<IpPrefix>& taken, const std::vector<IpPrefix>& present) {
    const std::uint64_t of_host = siphash24(host, zone_key);
    const std::uint64_t seed = siphash24(std::string{host} + std::string{zone}, zone_key);
    return {.v4 =
                choose(zone, taken, present, [&](unsigned attempt) { return candidate_v4(seed, attempt, length_v4); }),
            .v6 = choose(zone, taken, present, [&](unsigned attempt) { return candidate_v6(of_host, seed, attempt); })};
}

IpAddress choose_machine_address(const IpPrefix& zone, std::string_view machine, const std::vector<IpAddress>& taken) {
    // Neither the network, nor the host, nor everybody.
    const std::uint32_t count = (1U << (zone.address.bits() - zone.length)) - 3;
    const auto first = static_cast<std::uint32_t>(siphash24(machine, machine_key) % count);
    for (std::uint32_t step = 0; step < count; ++step) {
        const IpAddress found = address_in(zone, 2 + (first + step) % count);
        if (std::ranges::find(taken, found) == taken.end())
            return found;
    }
    throw Failure{FailureKind::too_many, "find an address for machine '" + std::string{machine} + "': all of " +
                                             network_of(zone).text() + " are taken"};
}

} // namespace machinist
