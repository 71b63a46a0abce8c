// SPDX-License-Identifier: LGPL-2.1-or-later
// A mounted filesystem grows to the size of its device.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <string_view>

namespace machinist {

// directory: the top of the mount, open for reading. type: ext4, xfs or btrfs; others do not grow.
// Nothing to do if it has that size already. Throws Failure.
void grow_filesystem(BorrowedFd directory, std::string_view type, std::uint64_t bytes);

// Whether the kernel can do it.
bool can_grow(std::string_view type);

} // namespace machinist
