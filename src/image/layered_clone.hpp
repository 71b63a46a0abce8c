// SPDX-License-Identifier: LGPL-2.1-or-later
// Clones that share all files of what they are clones of, on any filesystem: both become mount stacks on one base.
#pragma once

#include "image/pool.hpp"

#include <filesystem>

namespace machinist {

// place, "NEW.mstack", shows what image shows. A directory "NAME" becomes "NAME.mstack" by that; its tree is the base,
// unchanged. What was written on top of a stack becomes a layer that both have. Whoever calls holds the image's lock;
// others only read it if only_readers. False if it cannot be done so here, and nothing was changed.
// written: what somebody wrote on top of image elsewhere, the upper directory of an overlay; place shows that, too.
bool clone_by_layers(const PoolPlaces& places, const PoolImage& image, const std::filesystem::path& place,
                     bool only_readers, const std::filesystem::path& written = {});

// What a clone left that was cut off; does nothing otherwise. The image's lock is held.
void finish_cut_clone(const PoolImage& image);

} // namespace machinist
