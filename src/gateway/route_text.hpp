// SPDX-License-Identifier: LGPL-2.1-or-later
// Routes as the kernel writes them in /proc.
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

} // namespace machinist
