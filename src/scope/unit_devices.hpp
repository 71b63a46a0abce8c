// SPDX-License-Identifier: LGPL-2.1-or-later
// Which devices processes of a unit of systemd's may open: DeviceAllow=, while it runs.
#pragma once

#include "scope/system_bus.hpp"

#include <map>
#include <string>

namespace machinist {

struct UnitDevices {
    // By path, as systemd writes them ("/dev/net/tun", "char-pts", "/dev/char/10:237"): letters of r, w, m.
    std::map<std::string, std::string> allowed;
    bool all_if_empty = false; // DevicePolicy=auto
};

// Throws Failure.
UnitDevices read_unit_devices(const SystemBus& bus, const std::string& unit);
// All of them at once, until the unit ends. A unit without any stays closed to all others.
void write_unit_devices(const SystemBus& bus, const std::string& unit, const UnitDevices& devices);

} // namespace machinist
