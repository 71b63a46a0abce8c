// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be done to an image of the pool. Each is whole or not at all, whenever it is cut off; none is done to an
// image that a machine uses.
#pragma once

#include "image/pool.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace machinist {

void rename_image(const Pool& pool, std::string_view name, std::string_view new_name);

// The image is gone when this returns. What is left of it, to be deleted by remove_set_aside().
std::vector<std::filesystem::path> remove_image(const Pool& pool, std::string_view name);

// Those that `clean` removes: hidden ones, or all; never the host's own root and the distribution's.
std::vector<PoolImage> images_to_clean(const Pool& pool, bool all);

void mark_image_read_only(const Pool& pool, std::string_view name, bool read_only);
// For whoever holds the locks of the image, because it has just made it.
void mark_held_image_read_only(const Pool& pool, std::string_view name);

// Nothing: no limit. Failure(not_supported) for what is no btrfs subvolume.
void set_image_limit(const Pool& pool, std::string_view name, std::optional<std::uint64_t> bytes);
// For the directory of new images as a whole; quotas are turned on.
void set_pool_limit(const Pool& pool, std::optional<std::uint64_t> bytes);

// Its locks, as whoever changes an image holds them. Files that are nobody's go with it.
class ImageHold {
public:
    // Throws Failure(busy).
    ImageHold(const Pool& pool, const PoolImage& image, LockMode mode);
    // The name of an image that is to be made. Throws Failure(already_exists) if there is one.
    ImageHold(const Pool& pool, std::string_view new_name);
    ImageHold(ImageHold&&) = default;
    ImageHold& operator=(ImageHold&&) = delete;
    ImageHold(const ImageHold&) = delete;
    ImageHold& operator=(const ImageHold&) = delete;
    ~ImageHold();

private:
    // The others delegate to it: so what they took until they threw is given back.
    ImageHold() = default;
    std::vector<ImageLock> locks_;
};

// Throws Failure: not_permitted for the host's own root and for the distribution's images.
void refuse_to_change(const PoolImage& image, std::string_view what);

} // namespace machinist
