// SPDX-License-Identifier: LGPL-2.1-or-later
// What network links may be called, and the names and addresses that systemd's tools would give them too.
#pragma once

#include "base/mac_address.hpp"
#include "base/machine_id.hpp"
#include "base/siphash24.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace machinist {

inline constexpr std::size_t longest_link_name = 15;
inline constexpr std::size_t longest_alternative_link_name = 127;

// A name that a link can have, or with longest_alternative_link_name one that it can be found by as well.
bool is_link_name(std::string_view name, std::size_t longest = longest_link_name);

// The name itself if it is short enough; else its beginning and a hash of it. tries: how many names made of it are
// taken by others already.
std::string fitting_link_name(std::string_view name, unsigned tries = 0);

namespace link_keys {
inline constexpr SipHashKey host_end{0x1a, 0x37, 0x6f, 0xc7, 0x46, 0xec, 0x45, 0x0b,
                                     0xad, 0xa3, 0xd5, 0x31, 0x06, 0x60, 0x5d, 0xb1};
inline constexpr SipHashKey machine_end{0xc3, 0xc4, 0xf9, 0x19, 0xb5, 0x57, 0xb2, 0x1c,
                                        0xe6, 0xcf, 0x14, 0x27, 0x03, 0x9c, 0xee, 0xa2};
inline constexpr SipHashKey extra_host_end{0x48, 0xc7, 0xf6, 0xb7, 0xea, 0x9d, 0x4c, 0x9e,
                                           0xb7, 0x28, 0xd4, 0xde, 0x91, 0xd5, 0xbf, 0x66};
inline constexpr SipHashKey extra_machine_end{0xaf, 0x50, 0x17, 0x61, 0xce, 0xf9, 0x4d, 0x35,
                                              0x84, 0x0d, 0x2b, 0x20, 0x54, 0xbe, 0xce, 0x59};
inline constexpr SipHashKey macvlan{0x00, 0x13, 0x6d, 0xbc, 0x66, 0x83, 0x44, 0x81,
                                    0xbb, 0x0c, 0xf9, 0x51, 0x1f, 0x24, 0xa6, 0x6f};
// Ours alone.
inline constexpr SipHashKey zone{0x5d, 0x91, 0x3c, 0x27, 0xe4, 0x0a, 0x4f, 0x68,
                                 0x9b, 0x72, 0xc8, 0x16, 0x3f, 0xd5, 0xa0, 0x4b};
} // namespace link_keys

// Always the same for a link of that key and number of a machine of that name on that host.
MacAddress derived_mac(const SipHashKey& key, const MachineId& host, std::string_view machine, std::uint64_t number);

} // namespace machinist
