// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/filesystem_growth.hpp"

#include "base/failure.hpp"

#include <cstring>
#include <linux/btrfs.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>

namespace machinist {

namespace {

// The kernel's interfaces of these two have no public header.
constexpr unsigned long ext4_resize = _IOW('f', 16, std::uint64_t);

struct XfsGeometry {
    std::uint32_t block_size, realtime_extent, group_blocks, group_count, log_blocks, sector_size, inode_size;
    std::uint32_t most_inodes_percent;
    std::uint64_t data_blocks, realtime_blocks, realtime_extents, log_start;
    unsigned char id[16];
    std::uint32_t stripe_unit, stripe_width;
    std::int32_t version;
    std::uint32_t flags, log_sector_size, realtime_sector_size, directory_block_size;
};
struct XfsGrowth {
    std::uint64_t new_blocks;
    std::uint32_t most_inodes_percent;
};
constexpr unsigned long xfs_geometry = _IOR('X', 100, XfsGeometry);
constexpr unsigned long xfs_grow = _IOW('X', 110, XfsGrowth);

void grow_ext4(BorrowedFd directory, std::uint64_t bytes) {
    struct statfs filesystem {};
    if (::fstatfs(directory.get(), &filesystem) < 0)
        throw system_failure("ask an ext4 filesystem for its block size");
    const std::uint64_t blocks = bytes / static_cast<std::uint64_t>(filesystem.f_bsize);
    if (::ioctl(directory.get(), ext4_resize, &blocks) < 0)
        throw system_failure("grow an ext4 filesystem to " + std::to_string(bytes) + " bytes");
}

void grow_xfs(BorrowedFd directory, std::uint64_t bytes) {
    XfsGeometry geometry{};
    if (::ioctl(directory.get(), xfs_geometry, &geometry) < 0 || geometry.block_size == 0)
        throw system_failure("ask an XFS filesystem for its geometry");
    const XfsGrowth growth{bytes / geometry.block_size, geometry.most_inodes_percent};
    if (growth.new_blocks > geometry.data_blocks && ::ioctl(directory.get(), xfs_grow, &growth) < 0)
        throw system_failure("grow an XFS filesystem to " + std::to_string(bytes) + " bytes");
}

void grow_btrfs(BorrowedFd directory, std::uint64_t bytes) {
    btrfs_ioctl_vol_args arguments{};
    std::strcpy(arguments.name, "max");
    if (::ioctl(directory.get(), BTRFS_IOC_RESIZE, &arguments) < 0)
        throw system_failure("grow a btrfs filesystem to " + std::to_string(bytes) + " bytes");
}

} // namespace

bool can_grow(std::string_view type) {
    return type == "ext4" || type == "xfs" || type == "btrfs";
}

void grow_filesystem(BorrowedFd directory, std::string_view type, std::uint64_t bytes) {
    if (type == "ext4")
        grow_ext4(directory, bytes);
    else if (type == "xfs")
        grow_xfs(directory, bytes);
    else if (type == "btrfs")
        grow_btrfs(directory, bytes);
}

} // namespace machinist
