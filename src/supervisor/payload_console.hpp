// SPDX-License-Identifier: LGPL-2.1-or-later
// The payload's standard input and output: a terminal of the machine, or pipes; never a file of the host.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/machine_spec.hpp"

#include <array>

namespace machinist {

struct PayloadConsole {
    std::array<UniqueFd, 3> payload_ends; // its 0, 1 and 2
    UniqueFd terminal;                    // the master; none in pipe mode
    std::array<UniqueFd, 3> our_ends;     // of the pipes; none with a terminal
};

// devpts: of the machine. Must be called with the machine's root as the filesystem user.
//
// The caller's own descriptors are never handed in: a payload that changes mode or owner of its console would change
// the host's /dev/null or terminal.
PayloadConsole make_payload_console(const MachineSpec& spec, BorrowedFd devpts);

} // namespace machinist
