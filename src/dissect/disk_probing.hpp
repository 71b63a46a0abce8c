// SPDX-License-Identifier: LGPL-2.1-or-later
// What libblkid sees on a disk.
#pragma once

#include "base/unique_fd.hpp"
#include "dissect/gpt_table.hpp"
#include "spec/disk_layout.hpp"

#include <cstdint>
#include <vector>

namespace machinist::dissect {

struct Disk {
    BorrowedFd descriptor;
    std::uint64_t size = 0;
    std::uint32_t sector_size = 0; // 0: a file, which does not tell
};

// Asks the kernel: to be done before the sandbox is closed.
Disk describe(BorrowedFd descriptor);

DiskLayout probe(const Disk& disk);
// What to write so that the disk's last partition ends at this size.
std::vector<Edit> plan_growth(const Disk& disk, std::uint64_t new_size);

} // namespace machinist::dissect
