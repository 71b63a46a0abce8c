// SPDX-License-Identifier: LGPL-2.1-or-later
// What the network namespace of this process has already: routes, addresses, switches of forwarding.
#pragma once

#include "gateway/route_text.hpp"

#include <string>
#include <vector>

namespace machinist {

std::vector<HostRoute> read_routes();

// "net/ipv4/ip_forward" of this network namespace; "" where the kernel has none.
std::string read_switch(const std::string& name);
// False if it cannot be written.
bool write_switch(const std::string& name, const std::string& value);

} // namespace machinist
