// SPDX-License-Identifier: LGPL-2.1-or-later
// SipHash-2-4: names become ids, interface names and addresses by it, as systemd does it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace machinist {

using SipHashKey = std::array<std::uint8_t, 16>;

std::uint64_t siphash24(std::string_view bytes, const SipHashKey& key);

} // namespace machinist
