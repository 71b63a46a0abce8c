// SPDX-License-Identifier: LGPL-2.1-or-later
// Capabilities by name, and the sets that machines start from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

using CapabilityMask = std::uint64_t;

constexpr CapabilityMask capability_bit(int capability) {
    return CapabilityMask{1} << capability;
}

inline constexpr int capability_count = 41;
inline constexpr CapabilityMask all_capabilities = (CapabilityMask{1} << capability_count) - 1;

// "CAP_SYS_ADMIN", "sys_admin" or "21".
std::optional<int> capability_named(std::string_view text);
std::string capability_name(int capability);

// Names between blanks or commas, or "all". Nothing, and the word in unknown, if one is no capability.
std::optional<CapabilityMask> parse_capabilities(std::string_view text, std::string& unknown);
// "CAP_CHOWN CAP_KILL"; "all" and "none" for those.
std::string capability_list(CapabilityMask mask);

// What systemd-nspawn keeps.
extern const CapabilityMask nspawn_capabilities;
// Without those that an init can do without and that reach beyond the machine.
extern const CapabilityMask machinist_capabilities;

} // namespace machinist
