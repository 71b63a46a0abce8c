// SPDX-License-Identifier: LGPL-2.1-or-later
// The attribute that keeps even root from changing a file or a directory's entries (chattr +i).
#pragma once

#include "base/unique_fd.hpp"

namespace machinist {

// Filesystems that have no such attribute have no immutable files.
bool is_immutable(BorrowedFd file);
// True if it was otherwise before. Throws Failure(not_supported) where the filesystem has no such attribute.
bool make_immutable(BorrowedFd file, bool immutable);

} // namespace machinist
