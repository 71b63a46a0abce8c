// SPDX-License-Identifier: LGPL-2.1-or-later
// What devices named by the Container Device Interface bring into a machine.
#pragma once

#include "spec/machine_spec.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace machinist {

struct CdiEdits {
    std::vector<DeviceSpec> devices;
    std::vector<ExtraMount> mounts;
    std::vector<std::string> environment; // "NAME=VALUE"
    std::vector<std::uint32_t> groups;
};

} // namespace machinist
