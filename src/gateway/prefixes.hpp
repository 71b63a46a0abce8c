// SPDX-License-Identifier: LGPL-2.1-or-later
// Reckoning with prefixes of addresses: which have something in common, what lies in them.
#pragma once

#include "base/ip_address.hpp"

#include <cstdint>

namespace machinist {

// One lies in the other.
bool overlap(const IpPrefix& one, const IpPrefix& other);
// All bits behind the length are 0.
IpPrefix network_of(const IpPrefix& prefix);
// The address at that place of the network: its last four bytes are added to.
IpAddress address_in(const IpPrefix& prefix, std::uint32_t number);

} // namespace machinist
