// SPDX-License-Identifier: LGPL-2.1-or-later
// What is left to delete when an image is gone.
#pragma once

#include "cli/control/invocation.hpp"
#include "image/pool.hpp"

#include <filesystem>
#include <vector>

namespace machinist {

using Leftovers = std::vector<std::filesystem::path>;

// After this program has ended, unless --wait was given: the caller has what was asked for.
void delete_behind(const Invocation& call, const Pool& pool, const Leftovers& leftovers);

} // namespace machinist
