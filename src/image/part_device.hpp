// SPDX-License-Identifier: LGPL-2.1-or-later
// One filesystem of a disk image as a block device: a part of its file, decrypted or verified where it is protected.
#pragma once

#include "base/unique_fd.hpp"
#include "image/disk_keys.hpp"
#include "spec/disk_spec.hpp"

#include <cstdint>
#include <string>

namespace machinist {

// All devices below go with it.
struct PartDevice {
    UniqueFd descriptor; // lives until it is closed and nothing that was mounted from it is left
    std::string path;
    std::string filesystem;
    std::uint64_t size = 0;
    bool read_only = true;
};

// file: the image, open for what is wanted of it. Throws Failure.
PartDevice open_part(BorrowedFd file, const DiskSpec& disk, const DiskMount& part, bool read_only, DiskKeys& keys);

} // namespace machinist
