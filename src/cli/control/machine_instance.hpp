// SPDX-License-Identifier: LGPL-2.1-or-later
// io.systemd.MachineInstance: what runs a virtual machine, asked over the socket that it has registered.
#pragma once

#include "base/unique_fd.hpp"
#include "registry/machine.hpp"

#include <string>

namespace machinist {

// It is a virtual machine that can be asked.
bool has_instance(const Machine& machine);

// method: "PowerOff", "Pause"; parameters: its JSON, or nothing; descriptor: what goes along. Throws Failure:
// not_supported for a machine that has told of no socket.
void ask_instance(const Machine& machine, const char* method, const std::string& parameters = {},
                  BorrowedFd descriptor = {});

} // namespace machinist
