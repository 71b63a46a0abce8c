// SPDX-License-Identifier: LGPL-2.1-or-later
// io.systemd.MachineInstance: what runs a virtual machine, asked over the socket that it has registered.
#pragma once

#include "registry/machine.hpp"

namespace machinist {

// It is a virtual machine that can be asked.
bool has_instance(const Machine& machine);

// method: "PowerOff", "Pause". Throws Failure: not_supported for a machine that has told of no socket.
void ask_instance(const Machine& machine, const char* method);

} // namespace machinist
