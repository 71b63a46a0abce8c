// SPDX-License-Identifier: LGPL-2.1-or-later
// The last steps of process 1: privileges, directory, descriptors and the program itself.
#pragma once

#include "supervisor/start_context.hpp"

namespace machinist {

// Returns only by a Failure. With the stub init, only its child does; process 1 ends in here.
void execute_payload(Payload& payload);

} // namespace machinist
