// SPDX-License-Identifier: LGPL-2.1-or-later
// The environment of a machine's first process: exactly these variables, nothing of the caller's leaks.
#pragma once

#include "spec/machine_spec.hpp"

#include <string>
#include <vector>

namespace machinist {

// What is found only when the machine starts.
struct PayloadFacts {
    std::string user = "root"; // of the user that the payload runs as, in the machine's own database
    std::string home = "/root";
    int listen_fds = 0; // sockets handed on, from descriptor 3
};

// "NAME=VALUE", in the order in which systemd-nspawn gives them; spec.payload.environment wins over all.
std::vector<std::string> payload_environment(const MachineSpec& spec, const PayloadFacts& facts);

// What the stub init (as_pid2) keeps for itself.
std::vector<std::string> stub_init_environment(const MachineSpec& spec);

} // namespace machinist
