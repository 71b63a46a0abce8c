// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of the host that a machine was given by name, as they are there now.
#pragma once

#include "kernel/device_filter.hpp"
#include "spec/machine_spec.hpp"

#include <sys/types.h>
#include <vector>

namespace machinist {

struct DeviceNode {
    Path path; // absolute, in the machine
    dev_t number = 0;
    bool is_block = false;
    mode_t mode = 0;        // its permissions
    std::uint32_t user = 0; // in the machine
    std::uint32_t group = 0;
    std::uint8_t access = device_all;
};

// Of a directory, the nodes in it. Failure for what is neither.
std::vector<DeviceNode> device_nodes_of(const DeviceSpec& device);
// Of all that it was given.
std::vector<DeviceNode> device_nodes_of(const MachineSpec& spec);

} // namespace machinist
