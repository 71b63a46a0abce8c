// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gateway/host_network.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>

namespace machinist {

std::vector<HostRoute> read_routes() {
    std::vector<HostRoute> routes = parse_routes_v4(read_file_if_exists("/proc/self/net/route").value_or(""));
    for (HostRoute& route : parse_routes_v6(read_file_if_exists("/proc/self/net/ipv6_route").value_or("")))
        routes.push_back(std::move(route));
    return routes;
}

std::string read_switch(const std::string& name) {
    try {
        return std::string{trimmed(read_file_if_exists("/proc/sys/" + name).value_or(""))};
    } catch (const Failure&) {
        return {};
    }
}

bool write_switch(const std::string& name, const std::string& value) {
    try {
        const UniqueFd file = open_path("/proc/sys/" + name, O_WRONLY);
        write_all(file, value);
        return true;
    } catch (const Failure&) {
        return false;
    }
}

} // namespace machinist
