// SPDX-License-Identifier: LGPL-2.1-or-later
// The filesystems of a disk image, mounted as one tree.
#pragma once

#include "base/unique_fd.hpp"
#include "image/disk_keys.hpp"
#include "spec/disk_spec.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace machinist {

enum class DiskUse {
    write, // what can be written is
    read,  // nothing of it is changed, not even a journal
};

struct DiskTree {
    UniqueFd top;                      // O_PATH
    std::vector<std::string> warnings; // what could not be had, and need not be
};

// Attached to target, a directory of a private mount namespace. All mounts are private and nodev. All devices
// end with their mounts. Throws Failure naming the partition.
DiskTree mount_disk(const std::filesystem::path& image, const DiskSpec& disk, DiskUse use, BorrowedFd target,
                    DiskKeys& keys);

// Only this part of it, to the size that it may have; nothing stays mounted.
void grow_disk_part(const std::filesystem::path& image, const DiskSpec& disk, const DiskMount& part);

} // namespace machinist
