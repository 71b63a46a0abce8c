// SPDX-License-Identifier: LGPL-2.1-or-later
// The errands of machinist-image.
#pragma once

#include "image/pool.hpp"
#include "spec/image_errand.hpp"

#include <string>

namespace machinist {

// The text of the answer. Throws Failure.
std::string do_image_errand(const Pool& pool, const ImageErrand& errand);

} // namespace machinist
