// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/unit_names.hpp"

#include "base/text.hpp"

#include <cstdlib>
#include <memory>
#include <systemd/sd-bus.h>

namespace machinist {

UnitPlace unit_of_cgroup(std::string_view cgroup) {
    UnitPlace place;
    for (const std::string_view part : split(cgroup, '/')) {
        if (part.empty())
            continue;
        // "_" is put before names that would be taken for the kernel's own files.
        const std::string_view name = part.starts_with('_') ? part.substr(1) : part;
        if (!place.unit.empty())
            place.subgroup.append(place.subgroup.empty() ? "" : "/").append(part);
        else if (name.ends_with(".scope") || name.ends_with(".service"))
            place.unit = name;
        else if (!name.ends_with(".slice"))
            return {};
    }
    return place;
}

std::string unit_of_object_path(const char* path) {
    char* unit = nullptr;
    if (sd_bus_path_decode(path, "/org/freedesktop/systemd1/unit", &unit) <= 0)
        return {};
    const std::unique_ptr<char, decltype(&std::free)> owner{unit, std::free};
    return unit;
}

} // namespace machinist
