// SPDX-License-Identifier: LGPL-2.1-or-later
// Mounts by descriptor: made detached, filled, then attached to a directory that was opened beneath the root (rule R2).
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace machinist {

// MOUNT_ATTR_* of mount_setattr(2).
using MountAttributes = std::uint64_t;

struct FilesystemOptions {
    // Superblock options: {"mode", "0755"}; an empty value is a flag ("newinstance").
    std::vector<std::pair<std::string, std::string>> options;
    MountAttributes attributes = 0;
};

// A new filesystem, attached nowhere. Its descriptor is the mount's root directory (O_PATH).
UniqueFd make_filesystem(const std::string& type, const FilesystemOptions& options);

// A copy of the mount at a directory or file, attached nowhere.
UniqueFd clone_mount(BorrowedFd source, bool recursive);
UniqueFd clone_mount_at(BorrowedFd directory, const char* name, bool recursive);

// The mount is placed on target, which may be a directory or a file of the same kind.
void attach_mount(BorrowedFd mount, BorrowedFd target);

struct AttributeChange {
    MountAttributes set = 0;
    MountAttributes clear = 0;
    std::uint64_t propagation = 0; // MS_PRIVATE, MS_SLAVE, MS_SHARED or 0 to leave it
    BorrowedFd idmap;              // a user namespace: ids on disk are its inside ids
    bool recursive = false;
};
// Throws Failure; EINVAL with idmap means that the filesystem cannot map ids.
void change_mount(BorrowedFd mount, const AttributeChange& change);
void change_mount_at(const char* path, const AttributeChange& change);

// The current directory becomes the root of this mount namespace; the old root is detached.
// The caller must have made it the current directory; it must be a mount point.
void pivot_to_current_directory();

// A new mount namespace for this process, private towards the host.
void enter_private_mount_namespace();

} // namespace machinist
