// SPDX-License-Identifier: LGPL-2.1-or-later
// One directory of the search path: which of its entries are images, and what each looks like.
#pragma once

#include "base/unique_fd.hpp"
#include "image/pool_image.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

struct PoolDirectory {
    std::filesystem::path path;
    UniqueFd descriptor;
    bool read_only = false; // its filesystem is
    std::uint64_t mount = 0;
};

// Nothing if it is not there.
std::optional<PoolDirectory> open_pool_directory(const std::filesystem::path& path);

// By name. Where several entries stand for one name, the one that image_in() finds.
std::map<std::string, PoolImage> images_in(const PoolDirectory& directory);
std::optional<PoolImage> image_in(const PoolDirectory& directory, std::string_view name);

// The host's own root as an image.
PoolImage host_image();

} // namespace machinist
