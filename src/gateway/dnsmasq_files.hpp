// SPDX-License-Identifier: LGPL-2.1-or-later
// What dnsmasq(8) reads for one zone: its settings, which change only with the zone, and two lists of machines, which
// it reads again at SIGHUP.
#pragma once

#include "base/ip_address.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

struct ServedZone {
    std::string bridge;
    IpPrefix v4;
    IpPrefix v6;
    std::filesystem::path directory; // of the files
};

struct ServedMachine {
    std::string name;
    std::string mac;                  // "" if not known
    std::optional<IpAddress> address; // that it is offered
    std::vector<IpAddress> found;     // that it has
};

// Names of machines are known without a domain, and in this one.
inline constexpr const char* machine_domain = "machinist";

std::string dnsmasq_settings(const ServedZone& zone);
std::string dnsmasq_offers(const std::vector<ServedMachine>& machines);
std::string dnsmasq_names(const std::vector<ServedMachine>& machines);

} // namespace machinist
