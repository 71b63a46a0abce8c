// SPDX-License-Identifier: LGPL-2.1-or-later
// One image of the pool, as far as it is seen from outside.
#pragma once

#include "base/enum_names.hpp"
#include "image/image_name.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace machinist {

enum class ImageType { directory, subvolume, raw, block, mstack };
inline constexpr EnumNames<ImageType, 5> image_type_names{{{ImageType::directory, "directory"},
                                                           {ImageType::subvolume, "subvolume"},
                                                           {ImageType::raw, "raw"},
                                                           {ImageType::block, "block"},
                                                           {ImageType::mstack, "mstack"}}};

struct PoolImage {
    std::string name;
    ImageType type = ImageType::directory;
    std::filesystem::path path;  // what runs; of a versioned image its newest version
    std::filesystem::path entry; // the pool's entry: the same, or the ".v" directory
    bool read_only = false;
    std::uint64_t created = 0;          // microseconds since 1970; 0: unknown
    std::uint64_t modified = 0;         // of a directory unknown: that of its top says nothing of what is below
    std::optional<std::uint64_t> usage; // bytes; of trees only where quotas count them
    std::optional<std::uint64_t> usage_exclusive;
    std::optional<std::uint64_t> limit;
    std::optional<std::uint64_t> limit_exclusive;

    [[nodiscard]] bool is_host() const {
        return name == host_image_name;
    }
    [[nodiscard]] bool is_hidden() const {
        return is_hidden_image_name(name);
    }
    [[nodiscard]] bool is_versioned() const {
        return entry != path;
    }
    // The distribution's: not ours to change.
    [[nodiscard]] bool is_vendors() const {
        return entry.native().starts_with("/usr/");
    }
};

} // namespace machinist
