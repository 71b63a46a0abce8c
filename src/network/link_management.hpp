// SPDX-License-Identifier: LGPL-2.1-or-later
// Who gives a machine's links their addresses on the host: systemd-networkd, an administrator, or we.
#pragma once

#include "base/machine_name.hpp"
#include "spec/network_spec.hpp"

#include <string>
#include <string_view>

namespace machinist {

// It runs, and its files for links of that kind ("vz-", "ve-") are not masked.
bool networkd_sees_to(std::string_view link);

// The host's link that we see to for this machine: the bridge of its zone, or its own link. Empty: somebody else does,
// or there is none.
std::string served_link_of(const NetworkSpec& network, const MachineName& machine);

// machinist-gateway has something to do for it.
bool needs_gateway(const NetworkSpec& network, const MachineName& machine);

} // namespace machinist
