// SPDX-License-Identifier: LGPL-2.1-or-later
// Finds or makes the place beneath the machine's root where something is mounted (rules R1, R2).
#pragma once

#include "base/unique_fd.hpp"
#include "spec/mount_plan.hpp"

#include <optional>

namespace machinist {

enum class MountPointKind { directory, file };

// Nothing where the step says to skip what is missing. Directories and files that are made belong to the caller's
// filesystem user. Failure(hostile) where an API filesystem's place is anything but a plain directory.
std::optional<UniqueFd> open_mount_point(const MountStep& step, BorrowedFd root, MountPointKind kind);

bool is_mount_point(BorrowedFd place);

} // namespace machinist
