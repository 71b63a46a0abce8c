// SPDX-License-Identifier: LGPL-2.1-or-later
// What is left to delete when images are gone.
#pragma once

#include "base/failure.hpp"
#include "image/pool.hpp"

#include <filesystem>
#include <functional>
#include <vector>

namespace machinist {

using Leftovers = std::vector<std::filesystem::path>;

// With the images go the references to what they shared: that is deleted, too, if nobody else refers to it. What cannot
// be deleted keeps nothing else from it; `gc` finds it.
void delete_leftovers(const PoolPlaces& places, const Leftovers& leftovers,
                      const std::function<void(const Failure&)>& told);

} // namespace machinist
