// SPDX-License-Identifier: LGPL-2.1-or-later
// Starts a machine where no systemd keeps it: by a launcher in a session of its own.
#pragma once

#include "registry/machine_store.hpp"

namespace machinist {

// Until its payload runs. Throws Failure with what the launcher said.
void launch_machine(const MachineStore& machines, const MachineName& name);

} // namespace machinist
