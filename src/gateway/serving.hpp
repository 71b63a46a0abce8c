// SPDX-License-Identifier: LGPL-2.1-or-later
// How machinist-gateway comes to serve, and what is left when it was killed.
#pragma once

#include <filesystem>

namespace machinist {

// Until nothing is left to see to. Returns the exit status; at once with 0 where somebody serves already.
int serve_machines();
// The same, started by start_serving(), which waits at descriptor 3 for it to be ready.
int serve_apart();

// Has somebody serve: the host's unit, or a process of its own that does not end with its caller.
int start_serving();

// Takes away what nobody serves any more, in this network namespace: rules, processes, switches, files.
int collect_leftovers();

} // namespace machinist
