// SPDX-License-Identifier: LGPL-2.1-or-later
// What differs between sdbus-c++ 1.2 (Debian 12) and 2.x (Debian 13) for those who call by proxies that its generator
// made from our XML.
#pragma once

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wextra"
#include <sdbus-c++/sdbus-c++.h>

#include "machine1_client.hpp"
#pragma GCC diagnostic pop

#include <string>

namespace machinist::testing {

#if SDBUS_MAJOR >= 2
using ServiceName = sdbus::ServiceName;
#else
using ServiceName = std::string;
#endif

} // namespace machinist::testing
