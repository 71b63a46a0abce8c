// SPDX-License-Identifier: LGPL-2.1-or-later
// A call of machinist-image, made ready to be executed.
#pragma once

#include "registry/entry.hpp"
#include "spec/image_errand.hpp"

namespace machinist {

// reply: the end of a message socket.
PreparedEntry prepare_image_errand(const ImageErrand& errand, UniqueFd reply, const Places& places);

} // namespace machinist
