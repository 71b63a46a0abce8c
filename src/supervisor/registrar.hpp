// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells the others that a machine exists: by the state file that libsystemd and `systemctl -M` read.
#pragma once

#include "base/machine_name.hpp"
#include "supervisor/start_context.hpp"

namespace machinist {

// Failure(already_exists) if a machine of that name lives that is not ours. A file of a dead one is no obstacle.
void refuse_name_of_other_manager(const MachineName& name);

// Writes who process 1 is into the run directory and, for a listed machine, the state file.
void register_machine(Start& start);

} // namespace machinist
