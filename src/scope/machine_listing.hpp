// SPDX-License-Identifier: LGPL-2.1-or-later
// Telling org.freedesktop.machine1, whoever provides it, that a machine has come or gone.
#pragma once

#include "scope/system_bus.hpp"
#include "scope/unit_order.hpp"

namespace machinist {

// An entry of the same name whose machine is dead, or in this machine's own unit, is replaced;
// Failure(already_exists) for one that lives.
void list_machine(const SystemBus& bus, const UnitOrder& order);
// Unknown is success.
void unlist_machine(const SystemBus& bus, const std::string& name);

} // namespace machinist
