// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells the bus what happens in the registry.
#pragma once

#include "daemon/service.hpp"

namespace machinist {

class BootWatch;

void announce_machines(Service& service, BootWatch& boot);

} // namespace machinist
