// SPDX-License-Identifier: LGPL-2.1-or-later
// Kept, named states of images, made as clones are.
#pragma once

#include "image/pool.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct Snapshot {
    std::string image; // which it is of; that may be gone
    PoolImage state;   // its name is the snapshot's
};

// By image and time. name: of one image, or empty for all.
std::vector<Snapshot> list_snapshots(const Pool& pool, std::string_view image = "");

void create_snapshot(const Pool& pool, std::string_view image, std::string_view name);
// The image is what it was then, or as it is now, whenever this is cut off. What is left to be deleted of the state
// that it had is returned.
std::vector<std::filesystem::path> restore_snapshot(const Pool& pool, std::string_view image, std::string_view name);
std::vector<std::filesystem::path> remove_snapshot(const Pool& pool, std::string_view image, std::string_view name);

// Throws Failure(not_found).
PoolImage get_snapshot(const Pool& pool, std::string_view image, std::string_view name);

} // namespace machinist
