// SPDX-License-Identifier: LGPL-2.1-or-later
// Forwarded ports as they are written: "[tcp:|udp:]HOST[-HOST][:PORT[-PORT]]".
#pragma once

#include "spec/network_spec.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// Nothing for what is no such text.
std::optional<PortForward> parse_port_forward(std::string_view text);
// With protocol and both sides: "tcp:8080:80".
std::string port_forward_text(const PortForward& port);

bool share_a_port_of_the_host(const PortForward& one, const PortForward& other);
// No port of the host leads to two places.
bool share_a_port_of_the_host(const PortForward& one, const std::vector<PortForward>& others);

// One a line, as in the file "ports" of a run directory. What has no meaning there is left out.
std::vector<PortForward> parse_port_lines(std::string_view lines);
std::string port_lines(const std::vector<PortForward>& ports);

} // namespace machinist
