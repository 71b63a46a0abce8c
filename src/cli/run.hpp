// SPDX-License-Identifier: LGPL-2.1-or-later
// The verb `run`, which is systemd-nspawn with defaults of our own.
#pragma once

#include "spec/machine_spec.hpp"

#include <span>

namespace machinist {

// arguments: behind the verb. Returns an exit status, or not at all: on success this process becomes the machine's
// supervisor. Throws Failure.
int run(Manner manner, std::span<char*> arguments);

// --start-again ORDERS: what the supervisor of a machine that has rebooted executes.
int start_again(const char* orders);

} // namespace machinist
