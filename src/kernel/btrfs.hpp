// SPDX-License-Identifier: LGPL-2.1-or-later
// Btrfs subvolumes: recognise, snapshot, remove.
#pragma once

#include "base/unique_fd.hpp"

#include <string>

namespace machinist::btrfs {

// The top of a subvolume; false on every other filesystem.
bool is_subvolume(BorrowedFd directory);
bool is_read_only(BorrowedFd subvolume);
// An empty one called name in parent. False where the filesystem has no subvolumes.
bool make_subvolume(BorrowedFd parent, const std::string& name);
// A writable snapshot called name in parent, which must be on the same filesystem.
void make_snapshot(BorrowedFd subvolume, BorrowedFd parent, const std::string& name);
// Also one that holds other subvolumes. Missing is success.
void remove_subvolume(BorrowedFd parent, const std::string& name);

} // namespace machinist::btrfs
