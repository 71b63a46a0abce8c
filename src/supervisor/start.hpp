// SPDX-License-Identifier: LGPL-2.1-or-later
// One MachineSpec becomes one running machine, and this process becomes its supervisor.
#pragma once

#include "supervisor/start_context.hpp"

#include <string>
#include <vector>

namespace machinist {

// Does not return: on success this process executes the supervisor program. Throws Failure after everything that was
// made has been undone.
[[noreturn]] void start_machine(MachineSpec spec, const Programs& programs, DiskKeys disk_keys = {});

// The machine has rebooted; its supervisor has executed us with its orders in this descriptor.
[[noreturn]] void start_machine_again(int orders_descriptor, const Programs& programs);

// "parent NAME" and "child NAME", in the order of the start: where FAULT_AT can be told to fail.
std::vector<std::string> stage_names();

} // namespace machinist
