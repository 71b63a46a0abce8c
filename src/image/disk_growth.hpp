// SPDX-License-Identifier: LGPL-2.1-or-later
// A disk image becomes larger: the file, its partition table, its last partition and the filesystem in it.
#pragma once

#include <cstdint>
#include <filesystem>

namespace machinist {

// The image must be held. Cut off anywhere, it is what it was or larger, and doing it again finishes it. Throws
// Failure: invalid for a smaller size, not_supported where the last filesystem cannot grow.
void grow_disk_image(const std::filesystem::path& image, std::uint64_t bytes);

} // namespace machinist
