// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of the host that a running machine gets, or loses.
#pragma once

#include "registry/machine_store.hpp"
#include "spec/machine_spec.hpp"

#include <filesystem>

namespace machinist {

// Listed first, then allowed, then made: cut off anywhere it is whole once it is asked for again, or after a reboot of
// the machine. What failed leaves nothing. Throws Failure.
void add_device(const MachineStore& machines, const Machine& machine, const DeviceSpec& device);
// The other way round.
void remove_device(const MachineStore& machines, const Machine& machine, const std::filesystem::path& path);

} // namespace machinist
