// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/port_forward.hpp"

#include "base/text.hpp"

#include <algorithm>

namespace machinist {

namespace {

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
    [[nodiscard]] std::uint16_t count() const {
        return static_cast<std::uint16_t>(last - first + 1);
    }
};

// "80" or "8000-8010".
std::optional<PortRange> port_range(std::string_view text) {
    const auto dash = text.find('-');
    const auto first = parse_integer<std::uint16_t>(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_integer<std::uint16_t>(text.substr(dash + 1));
    if (!first || !last || *first == 0 || *last < *first)
        return std::nullopt;
    return PortRange{*first, *last};
}

std::string range_text(std::uint16_t first, std::uint16_t count) {
    return count == 1 ? std::to_string(first) : std::to_string(first) + "-" + std::to_string(first + count - 1);
}

} // namespace

std::optional<PortForward> parse_port_forward(std::string_view text) {
    PortForward port;
    for (const auto& [protocol, name] : port_protocol_names)
        if (text.starts_with(std::string{name} + ":")) {
            port.protocol = protocol;
            text.remove_prefix(name.size() + 1);
            break;
        }
    const auto colon = text.find(':');
    const auto host = port_range(text.substr(0, colon));
    const auto machine = colon == std::string_view::npos ? host : port_range(text.substr(colon + 1));
    if (!host || !machine)
        return std::nullopt;
    port.host_port = host->first;
    port.machine_port = machine->first;
    port.count = host->count();
    // One port of the machine says where a range begins.
    const bool fits =
        machine->count() == port.count || (machine->count() == 1 && port.machine_port + port.count - 1 <= 65535);
    return fits ? std::optional{port} : std::nullopt;
}

std::string port_forward_text(const PortForward& port) {
    return std::string{name_of(port_protocol_names, port.protocol)} + ":" + range_text(port.host_port, port.count) +
           ":" + range_text(port.machine_port, port.count);
}

bool share_a_port_of_the_host(const PortForward& one, const PortForward& other) {
    return one.protocol == other.protocol && one.host_port < other.host_port + other.count &&
           other.host_port < one.host_port + one.count;
}

bool share_a_port_of_the_host(const PortForward& one, const std::vector<PortForward>& others) {
    return std::ranges::any_of(others, [&](const PortForward& other) { return share_a_port_of_the_host(one, other); });
}

std::vector<PortForward> parse_port_lines(std::string_view lines) {
    std::vector<PortForward> ports;
    for (const std::string_view line : split_words(lines, "\n"))
        if (const auto port = parse_port_forward(line))
            ports.push_back(*port);
    return ports;
}

std::string port_lines(const std::vector<PortForward>& ports) {
    std::string lines;
    for (const PortForward& port : ports)
        lines += port_forward_text(port) + "\n";
    return lines;
}

} // namespace machinist
