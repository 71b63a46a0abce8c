// SPDX-License-Identifier: LGPL-2.1-or-later
// Limits of control groups: written as systemd.resource-control(5) has them, kept by the files of cgroup v2.
#pragma once

#include "spec/machine_spec.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// What a share in percent is a share of.
struct HostAmounts {
    std::uint64_t memory = 0; // bytes
    std::uint64_t tasks = 0;
};

// One file of a group and what is written to it.
struct GroupLimit {
    std::string name; // "MemoryMax"
    std::string file; // "memory.max"
    std::string value;
    Path device; // its number stands before the value; empty: none

    friend bool operator==(const GroupLimit&, const GroupLimit&) = default;
};

// Whether a limit of that name may have this value.
bool is_group_limit(std::string_view name, std::string_view value);

// assignments: "NAME=VALUE", of which later ones win; what is no such limit is left out.
std::vector<GroupLimit> group_limits(std::span<const std::string> assignments, const HostAmounts& amounts);

} // namespace machinist
