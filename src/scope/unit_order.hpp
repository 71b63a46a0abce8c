// SPDX-License-Identifier: LGPL-2.1-or-later
// What the launcher or the supervisor wants machinist-unit to do, as command line; and what comes of it, as text.
#pragma once

#include <span>
#include <string>
#include <sys/types.h>
#include <vector>

namespace machinist {

struct UnitOrder {
    bool unregister = false; // and nothing else
    std::string name;        // of the machine
    std::string scope;       // unit to make; "" for none
    std::vector<std::string> properties;
    pid_t launcher = 0; // goes into the scope, with the leader
    pid_t leader = 0;
    std::string id; // 32 hexadecimal digits
    std::string service;
    std::string root;
    bool register_machine = false;
    std::vector<int> network_interfaces;
};

// Failure(usage) for a command line that is none of ours.
UnitOrder parse_unit_order(std::span<char*> arguments);

} // namespace machinist
