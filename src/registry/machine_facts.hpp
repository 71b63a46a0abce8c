// SPDX-License-Identifier: LGPL-2.1-or-later
// What is found out inside of a running machine: its operating system, addresses, user ids, kind of init. The machine
// may lie, and may try to make the question last for ever: nothing is trusted, and a missing answer is no failure.
#pragma once

#include "registry/machine.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

struct MachineFacts {
    std::map<std::string, std::string> os_release;
    // IPv4 before IPv6, wider scopes first, no loopback; "fe80::1%2" with the index of the interface in the machine.
    // Empty for a machine in the host's network.
    std::vector<std::string> addresses;
    bool has_own_network = false;
    std::string init; // systemd, sysvinit, openrc, runit, s6, busybox, unknown; "" if there is none
};

struct WantedMachineFacts {
    bool os_release = true;
    bool addresses = true;
    bool init = false;
};

// Without root what can be had is less.
MachineFacts read_machine_facts(const Machine& machine, const WantedMachineFacts& wanted);

struct IdShift {
    std::uint32_t base = 0;
    std::uint32_t size = 0;
};
// Where the machine's ids begin on the host, if it is one range for users and groups; nothing for the host's own ids.
std::optional<IdShift> read_id_shift(const Machine& machine);

} // namespace machinist
