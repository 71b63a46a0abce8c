// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/guest_network.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "spec/network_plan.hpp"

#include <fcntl.h>

namespace machinist {

namespace {

// Before all that a distribution has for links of containers.
constexpr const char* network_file = "10-machinist.network";
constexpr const char* resolved_file = "10-machinist.conf";

template <typename Address>
std::string lines(const char* key, const std::vector<Address>& addresses) {
    std::string text;
    for (const Address& address : addresses)
        text += std::string{key} + "=" + address.text() + "\n";
    return text;
}

// The image cannot be in the way: /run is fresh. What the administrator has mounted there stays as it is.
void put(const char* directory, const char* name, const std::string& text) {
    const UniqueFd root = open_path("/run", O_PATH | O_DIRECTORY);
    const UniqueFd place = make_directories_beneath(root, directory, 0755, Links::refuse);
    const UniqueFd file{::openat(place.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
    if (!file)
        throw system_failure(std::string{"make file '/run/"} + directory + "/" + name + "'");
    write_all(file, text);
}

} // namespace

void tell_guest_network(const MachineSpec& spec) {
    const NetworkSpec& network = spec.network;
    if (spec.payload.mode != StartMode::boot)
        return;
    if (!network.addresses.empty())
        put("systemd/network", network_file,
            "[Match]\nName=" + plan_network(network, spec.name).main_link + "\n\n[Network]\n" +
                lines("Address", network.addresses) + lines("Gateway", network.gateways) +
                "DHCP=no\nKeepConfiguration=static\n");
    if (!network.name_servers.empty())
        put("systemd/resolved.conf.d", resolved_file, "[Resolve]\n" + lines("DNS", network.name_servers));
}

} // namespace machinist
