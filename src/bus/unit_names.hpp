// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of units: which one a cgroup or an object belongs to. Pure.
#pragma once

#include <string>
#include <string_view>

namespace machinist {

struct UnitPlace {
    std::string unit;     // "machine-web.scope", "machinist@web.service"; "" outside of all units
    std::string subgroup; // below the unit's own group: "payload"; "" if it is that group itself
    friend bool operator==(const UnitPlace&, const UnitPlace&) = default;
};
// cgroup: a path below the root of the hierarchy. The innermost unit of the host's own manager: what a machine or a
// user's manager makes below its unit is sub-group.
UnitPlace unit_of_cgroup(std::string_view cgroup);

// "/org/freedesktop/systemd1/unit/machine_2dweb_2escope" is "machine-web.scope"; "" for other paths.
std::string unit_of_object_path(const char* path);

} // namespace machinist
