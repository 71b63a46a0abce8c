// SPDX-License-Identifier: LGPL-2.1-or-later
// What a start wants of the host's systemd and of org.freedesktop.machine1. machinist-unit asks them, which links what
// is needed for that, while the launcher goes on.
#pragma once

#include "supervisor/start_context.hpp"

namespace machinist {

// Begins the request, if there is anything to be asked: a scope, an entry in the list of machines.
void begin_unit_request(Start& start);
// Waits for what came of it and enters the scope; where there is no bus, makes groups of our own instead.
void finish_unit_request(Start& start);

} // namespace machinist
