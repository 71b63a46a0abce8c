// SPDX-License-Identifier: LGPL-2.1-or-later
// Ports of the host that lead into a machine, as its run directory tells.
#pragma once

#include "registry/machine.hpp"
#include "spec/network_spec.hpp"

#include <vector>

namespace machinist {

// Those of its start, unless some were added or removed since. None where the caller may not look.
std::vector<PortForward> ports_of(const Machine& machine);

} // namespace machinist
