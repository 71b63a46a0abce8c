// SPDX-License-Identifier: LGPL-2.1-or-later
// The network of a machine, decided: which links, addresses and ports. What they are called is in network_plan.hpp.
#pragma once

#include "base/enum_names.hpp"
#include "base/ip_address.hpp"
#include "base/mac_address.hpp"
#include "base/machine_id.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

// A link of the host, and what it is called in the machine.
struct LinkPair {
    std::string host;
    std::string machine;
    friend bool operator==(const LinkPair&, const LinkPair&) = default;
};

enum class PortProtocol { tcp, udp };
inline constexpr EnumNames<PortProtocol, 2> port_protocol_names{
    {{PortProtocol::tcp, "tcp"}, {PortProtocol::udp, "udp"}}};

// So many ports of the host, from host_port on, lead to as many of the machine, from machine_port on.
struct PortForward {
    PortProtocol protocol = PortProtocol::tcp;
    std::uint16_t host_port = 0;
    std::uint16_t machine_port = 0;
    std::uint16_t count = 1;
    friend bool operator==(const PortForward&, const PortForward&) = default;
};

struct NetworkSpec {
    bool is_private = false;                             // a network namespace of its own, with loopback up
    std::optional<std::filesystem::path> namespace_path; // an existing network namespace to join
    // A link with one end on the host and the other, host0, in the machine.
    bool veth = false;
    std::optional<MacAddress> veth_mac;   // of host0; none: the one that is its own
    std::string bridge;                   // that the end on the host joins; empty: none
    std::string zone;                     // the same with a bridge that is there as long as a machine is in the zone
    std::vector<LinkPair> interfaces;     // of the host's, moved in and back
    bool interfaces_as_they_were = false; // up in the machine, with the addresses that they had
    std::vector<LinkPair> extra_veths;
    std::vector<LinkPair> macvlans;
    std::vector<LinkPair> ipvlans;
    MachineId host_id; // what makes the links' addresses differ from those of other hosts
    // What the main link (network_plan.hpp) has before the payload runs.
    std::vector<IpPrefix> addresses;
    std::vector<IpAddress> gateways; // at most one of each family
    std::vector<IpAddress> name_servers;
    std::vector<PortForward> ports;
};

} // namespace machinist
