// SPDX-License-Identifier: LGPL-2.1-or-later
// What an image says of itself, read without trusting it (rule R13).
#pragma once

#include "base/machine_id.hpp"
#include "image/pool_image.hpp"

#include <map>
#include <optional>
#include <string>

namespace machinist {

struct ImageMetadata {
    std::string hostname; // empty: it has none, or none that is one
    std::optional<MachineId> machine_id;
    std::map<std::string, std::string> machine_info; // machine-info(5)
    std::map<std::string, std::string> os_release;
};

// Throws Failure(not_supported) for what only a mount could show.
ImageMetadata read_image_metadata(const PoolImage& image);

} // namespace machinist
