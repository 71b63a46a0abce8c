// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the program that looks at disk images what is on one. Its bytes never meet this process.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/disk_layout.hpp"
#include "spec/disk_opening.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

// disk: a file or block device, open for reading. Throws Failure.
DiskLayout probe_disk(BorrowedFd disk);

// What a signature partition of it holds; nothing if it is empty.
std::optional<SignedHash> read_signed_hash(BorrowedFd disk, const Partition& partition);

struct DiskEdit {
    std::uint64_t offset = 0;
    std::string bytes;
};
// What to write, in this order, so that the disk's partition table spans as many bytes and its last partition ends
// there. Nothing for a disk without one.
std::vector<DiskEdit> plan_disk_growth(BorrowedFd disk, std::uint64_t bytes);

} // namespace machinist
