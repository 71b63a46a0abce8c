// SPDX-License-Identifier: LGPL-2.1-or-later
// Tells the network services of a booted machine that its link is set up already: systemd-networkd would take addresses
// away that it knows nothing of, and systemd-resolved does not read what /etc/resolv.conf would say.
#pragma once

#include "spec/machine_spec.hpp"

namespace machinist {

// In the machine's root and as its root, before its init runs.
void tell_guest_network(const MachineSpec& spec);

} // namespace machinist
