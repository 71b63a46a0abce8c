// SPDX-License-Identifier: LGPL-2.1-or-later
// Many images from one, for machines that run at the same time.
#pragma once

#include "image/pool.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// "IMAGE-1" ... "IMAGE-N", those that are missing made as clones without a machine id: each gets its own when it
// boots. Their names. Throws Failure(invalid) unless count is 1 to 1000.
std::vector<std::string> make_instances(const Pool& pool, std::string_view image, unsigned count);

// The next boot gives it a machine id. Nothing is changed in what it shares with others.
void forget_machine_id(const PoolImage& image);

} // namespace machinist
