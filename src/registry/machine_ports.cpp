// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/machine_ports.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "spec/port_forward.hpp"

namespace machinist {

std::vector<PortForward> ports_of(const Machine& machine) {
    if (!machine.spec)
        return {};
    try {
        if (const auto lines = read_file_if_exists(machine.run_directory / "ports"))
            return parse_port_lines(*lines);
    } catch (const Failure&) {
        // What cannot be read was not changed by us.
    }
    return machine.spec->network.ports;
}

} // namespace machinist
