// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/btrfs.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>

namespace machinist::btrfs {

namespace {

constexpr ino_t first_inode_of_subvolume = 256;

// The ioctls refuse descriptors opened with O_PATH.
UniqueFd for_ioctl(BorrowedFd directory) {
    return open_beneath(directory, ".", O_RDONLY | O_DIRECTORY, Links::refuse);
}

template <typename Arguments>
void set_name(Arguments& arguments, const std::string& name) {
    if (name.size() >= sizeof arguments.name)
        throw Failure{FailureKind::invalid, "use '" + name + "' as the name of a subvolume: it is too long"};
    std::memcpy(arguments.name, name.c_str(), name.size() + 1);
}

} // namespace

bool is_subvolume(BorrowedFd directory) {
    struct statfs filesystem {};
    if (::fstatfs(directory.get(), &filesystem) < 0)
        throw system_failure("look at a filesystem");
    return filesystem.f_type == BTRFS_SUPER_MAGIC && status_of(directory).st_ino == first_inode_of_subvolume;
}

bool is_read_only(BorrowedFd subvolume) {
    std::uint64_t flags = 0;
    if (::ioctl(for_ioctl(subvolume).get(), BTRFS_IOC_SUBVOL_GETFLAGS, &flags) < 0)
        throw system_failure("read the flags of a subvolume");
    return (flags & BTRFS_SUBVOL_RDONLY) != 0;
}

bool make_subvolume(BorrowedFd parent, const std::string& name) {
    struct statfs filesystem {};
    if (::fstatfs(parent.get(), &filesystem) < 0)
        throw system_failure("look at a filesystem");
    if (filesystem.f_type != BTRFS_SUPER_MAGIC)
        return false;
    btrfs_ioctl_vol_args arguments{};
    set_name(arguments, name);
    if (::ioctl(for_ioctl(parent).get(), BTRFS_IOC_SUBVOL_CREATE, &arguments) < 0)
        throw system_failure("make subvolume '" + name + "'");
    return true;
}

void make_snapshot(BorrowedFd subvolume, BorrowedFd parent, const std::string& name) {
    const UniqueFd source = for_ioctl(subvolume);
    btrfs_ioctl_vol_args_v2 arguments{};
    arguments.fd = source.get();
    set_name(arguments, name);
    if (::ioctl(for_ioctl(parent).get(), BTRFS_IOC_SNAP_CREATE_V2, &arguments) < 0)
        throw system_failure("make a snapshot '" + name + "'");
}

void remove_subvolume(BorrowedFd parent, const std::string& name) {
    btrfs_ioctl_vol_args arguments{};
    set_name(arguments, name);
    if (::ioctl(for_ioctl(parent).get(), BTRFS_IOC_SNAP_DESTROY, &arguments) == 0 || errno == ENOENT)
        return;
    // It is read-only, holds others or was never a subvolume: entry by entry.
    remove_tree(parent, name);
}

} // namespace machinist::btrfs
