// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a system has come up whose init tells nothing of it, seen from outside.
#pragma once

#include "registry/machine.hpp"

#include <string>

namespace machinist {

// init: as in MachineFacts, one that is_silent_init(). What it starts at boot has been started: a supervisor of
// services runs, or no script of the boot runs any more and process 1 is in its runlevel, or has run for some seconds.
// It is a look at one moment: between two scripts there may be one in which none runs, so only what holds in two looks
// some time apart is true.
bool looks_booted(const Machine& machine, const std::string& init);

} // namespace machinist
