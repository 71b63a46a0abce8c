// SPDX-License-Identifier: LGPL-2.1-or-later
// The transient scope of a machine: systemd is asked for it, and its job waited for.
#pragma once

#include "scope/system_bus.hpp"
#include "scope/unit_order.hpp"

namespace machinist {

// Afterwards launcher and leader are in the scope's group. What a dead machine left of a scope of the same name is
// taken away first; Failure(already_exists) if that scope lives.
void start_scope(const SystemBus& bus, const UnitOrder& order);

} // namespace machinist
