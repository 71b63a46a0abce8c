// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's /dev: a tmpfs with the nodes that every machine may have (Container Interface A9 to A12).
#pragma once

#include "base/unique_fd.hpp"
#include "spec/machine_spec.hpp"

#include <cstdint>

namespace machinist {

// Detached and filled. Must be called with the machine's root as the filesystem user.
UniqueFd make_device_directory(const MachineSpec& spec, std::uint64_t attributes);

// Where no devices can be made, those of our own /dev are mounted on the places for them. Attached by now.
void show_devices_of_the_host(BorrowedFd directory);

} // namespace machinist
