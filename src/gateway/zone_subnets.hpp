// SPDX-License-Identifier: LGPL-2.1-or-later
// Which addresses a zone of ours gets: the same for the same name on the same host, as long as nobody else has them.
#pragma once

#include "base/ip_address.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace machinist {

struct ZoneSubnets {
    IpPrefix v4; // the host's own address in it, and its length
    IpPrefix v6;
    friend bool operator==(const ZoneSubnets&, const ZoneSubnets&) = default;
};

// As many machines as a bridge of Linux has ports for.
inline constexpr unsigned zone_length_v4 = 22;
// Of a link that leads to one machine, which may have more addresses than one.
inline constexpr unsigned single_length_v4 = 28;
inline constexpr unsigned zone_length_v6 = 64;

// host: its machine id. taken: destinations of the host's routes but the default one, and what other zones have.
// present: addresses that the bridge has already; those that could have been chosen for this zone stay. Throws Failure
// if nothing is free.
ZoneSubnets choose_zone_subnets(std::string_view zone, std::string_view host, unsigned length_v4,
                                const std::vector<IpPrefix>& taken, const std::vector<IpPrefix>& present = {});

// A free address of the zone for a machine, the same for the same name unless another has it. Throws Failure if there
// is none.
IpAddress choose_machine_address(const IpPrefix& zone, std::string_view machine, const std::vector<IpAddress>& taken);

} // namespace machinist
