// SPDX-License-Identifier: LGPL-2.1-or-later
// The registry of this host: where its files are.
#pragma once

#include "registry/places.hpp"

namespace machinist {

Places host_places();

} // namespace machinist
