// SPDX-License-Identifier: LGPL-2.1-or-later
// What the launcher does for a machine before its payload may go.
#pragma once

#include "supervisor/start_context.hpp"

#include <string>
#include <vector>

namespace machinist {

// Throws Failure; whoever calls undoes what was made (start.hpp).
void prepare_machine(Start& start);

std::vector<std::string> parent_stage_names();

} // namespace machinist
