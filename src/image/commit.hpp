// SPDX-License-Identifier: LGPL-2.1-or-later
// A new image from a tree that is in use. Whoever writes to it must be kept from that meanwhile.
#pragma once

#include "base/unique_fd.hpp"
#include "image/pool.hpp"

#include <filesystem>
#include <string_view>

namespace machinist {

// A copy of what lies on root's own filesystem, there whole or not at all; owners begin at 0 again.
void commit_tree(const Pool& pool, BorrowedFd root, std::string_view new_name);

// The same without copying what is not changed: a stack on the layers of image, the tree in use being what is written
// on it. written: where that lies, if not in the image itself, as the upper directory of an overlay. False if it cannot
// be done so here, and nothing was changed.
bool commit_by_layers(const Pool& pool, const PoolImage& image, const std::filesystem::path& written,
                      std::string_view new_name);

} // namespace machinist
