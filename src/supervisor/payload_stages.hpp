// SPDX-License-Identifier: LGPL-2.1-or-later
// What process 1 of a machine does until it executes the payload.
#pragma once

#include "supervisor/start_context.hpp"

#include <string>
#include <vector>

namespace machinist {

// Does not return. What goes wrong is sent to the launcher as a Failure, and the process ends.
[[noreturn]] void become_payload(Payload& payload);

std::vector<std::string> payload_stage_names();

} // namespace machinist
