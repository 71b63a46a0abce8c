// SPDX-License-Identifier: LGPL-2.1-or-later
// What the network namespace of this process has already: routes, addresses, switches of forwarding.
#pragma once

#include "base/ip_address.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct HostRoute {
    IpPrefix destination;
    std::string link;
    friend bool operator==(const HostRoute&, const HostRoute&) = default;
};

// The texts of /proc/net/route and /proc/net/ipv6_route. Local and unusable ones are left out.
std::vector<HostRoute> parse_routes_v4(std::string_view text);
std::vector<HostRoute> parse_routes_v6(std::string_view text);
std::vector<HostRoute> read_routes();

// "net/ipv4/ip_forward" of this network namespace; "" where the kernel has none.
std::string read_switch(const std::string& name);
// False if it cannot be written.
bool write_switch(const std::string& name, const std::string& value);

} // namespace machinist
