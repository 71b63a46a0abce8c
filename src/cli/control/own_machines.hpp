// SPDX-License-Identifier: LGPL-2.1-or-later
// Machines of a user without rights over machines, started by the service on directories of that user.
#pragma once

#include "cli/control/invocation.hpp"
#include "registry/places.hpp"
#include "spec/command_line.hpp"

#include <span>
#include <string>

namespace machinist {

// `machinist run` and systemd-nspawn without root; arguments: without the name of the program. On this terminal or with
// these streams, until the machine's end: the exit status is its payload's.
int run_own_machine(Manner manner, std::span<char*> arguments, const Places& places);

// `machinist --user start`: a directory, or the name of one in ~/.local/state/machines. Returns when it runs.
void start_own_machine(const Invocation& call, const std::string& word);

} // namespace machinist
