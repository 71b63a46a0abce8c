// SPDX-License-Identifier: LGPL-2.1-or-later
// A directory of the host, file by file, into another: what travels with archives travels here, extents are shared
// where the filesystem can.
#pragma once

#include "base/unique_fd.hpp"
#include "transfer/raw_copy.hpp"

#include <functional>
#include <string_view>

namespace machinist {

// into: empty. progress counts bytes of files. Owners need root. Other filesystems mounted in it are left out.
void copy_tree_into(BorrowedFd from, BorrowedFd into, const CountBytes& progress,
                    const std::function<void(std::string_view)>& warn);

} // namespace machinist
