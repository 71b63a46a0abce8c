// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of the host as they are written: "PATH[:rwm]".
#pragma once

#include "spec/machine_spec.hpp"

#include <optional>
#include <string_view>

namespace machinist {

// Nothing for what is no path below /dev.
std::optional<DeviceSpec> parse_device(std::string_view text);

} // namespace machinist
