// SPDX-License-Identifier: LGPL-2.1-or-later
// Loop devices: a part of a file as a block device, gone with its last user.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <string>

namespace machinist {

struct LoopPart {
    std::uint64_t offset = 0; // bytes
    std::uint64_t size = 0;
    std::uint32_t sector_size = 512;
    bool read_only = true;
};

// The device lives until its descriptor is closed and nothing that was mounted from it is left.
struct LoopDevice {
    UniqueFd descriptor;
    std::string path;
};

// file: open for what is wanted of it. Throws Failure.
LoopDevice attach_loop_device(BorrowedFd file, const LoopPart& part);

// The path of a loop device that writes to this file; "" if there is none.
std::string loop_device_writing_to(BorrowedFd file);

} // namespace machinist
