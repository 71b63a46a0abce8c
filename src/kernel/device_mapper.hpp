// SPDX-License-Identifier: LGPL-2.1-or-later
// Block devices that the kernel's device mapper makes from others: of one target each, gone with their last user.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace machinist {

struct MappedTarget {
    std::string type;       // "crypt"
    std::uint64_t size = 0; // bytes
    std::string parameters;
    bool read_only = true;
};

// The device lives until its descriptor is closed and nothing that was mounted from it is left.
struct MappedDevice {
    UniqueFd descriptor;
    std::string path;
};

// Throws Failure(not_supported) where the kernel has no device mapper.
void require_device_mapper();

MappedDevice map_device(const MappedTarget& target);

// "MAJOR:MINOR" of an open block device, as parameters name others.
std::string device_number(BorrowedFd device);

// Names of devices that somebody was killed over while making them. Whoever uses one keeps it from being removed.
std::vector<std::string> abandoned_mappings();
// Gone already is success, and so is one that is in use.
void remove_mapping(const std::string& name);

} // namespace machinist
