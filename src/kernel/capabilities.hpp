// SPDX-License-Identifier: LGPL-2.1-or-later
// The capability sets of the calling thread.
#pragma once

#include <cstdint>

namespace machinist {

// Bit n is capability n of linux/capability.h.
struct CapabilitySets {
    std::uint64_t effective = 0;
    std::uint64_t permitted = 0;
    std::uint64_t inheritable = 0;
    std::uint64_t ambient = 0;
    friend bool operator==(const CapabilitySets&, const CapabilitySets&) = default;
};

// The number of the last capability that this kernel knows, and the set of all of them.
std::uint64_t last_capability();
std::uint64_t all_capabilities();

CapabilitySets current_capabilities();
std::uint64_t current_bounding_capabilities();

// What a payload holds right before its exec. Root keeps the retained ones in all sets, so that programs without
// file capabilities get them; another user keeps the ambient ones alone.
CapabilitySets payload_capabilities(std::uint64_t retained, std::uint64_t ambient, bool as_root);

// Drops from the bounding set what is not retained. Needs CAP_SETPCAP: before the user changes.
void limit_bounding_capabilities(std::uint64_t retained);
// The permitted set survives the next change from root to another user (it ends with exec).
void keep_capabilities_over_user_change();
// Capabilities that the thread does not hold are left out and returned: a caller warns about them or refuses.
// Works for the user that the thread has by now.
std::uint64_t set_capabilities(const CapabilitySets& wanted);

// No setuid program or file capability gives anything from here on, and filters need no capability.
void set_no_new_privileges();

} // namespace machinist
