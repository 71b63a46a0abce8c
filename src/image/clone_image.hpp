// SPDX-License-Identifier: LGPL-2.1-or-later
// A new image from another one.
#pragma once

#include "image/image_changes.hpp"
#include "image/pool.hpp"
#include "spec/machine_spec.hpp"

#include <filesystem>
#include <optional>
#include <string_view>

namespace machinist {

enum class CloneWay {
    automatic, // what costs least: a snapshot, shared extents, layers, else a copy
    copy,      // a tree of its own, which shares no more than extents
};

struct CloneRequest {
    bool read_only = false;
    CloneWay way = CloneWay::automatic;
};

// There whole or not at all, with copies of the settings and the like that belong to the image. How it was made; disk:
// by layers.
LayerKind clone_image(const Pool& pool, std::string_view name, std::string_view new_name,
                      const CloneRequest& request = {});

// Held while an image is cloned, as far as it can be had.
struct CloneSource {
    std::optional<ImageHold> hold;
    bool only_readers = true; // no machine writes to it
};
CloneSource hold_clone_source(const Pool& pool, const PoolImage& image);

// The same without locks of names and without files beside the image: into directory, under a name with a suffix of
// its kind, which is returned.
struct MadeClone {
    std::filesystem::path path;
    LayerKind kind = LayerKind::copy;
};
MadeClone make_clone(const Pool& pool, const PoolImage& image, const std::filesystem::path& directory,
                     std::string_view new_name, CloneWay way = CloneWay::automatic);

} // namespace machinist
