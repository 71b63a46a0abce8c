// SPDX-License-Identifier: LGPL-2.1-or-later
// A connection to a socket of the host that is known by its path.
#pragma once

#include "base/unique_fd.hpp"

#include <string>
#include <sys/time.h>

namespace machinist {

// patience: of the connection itself, and of what is sent and received over it.
UniqueFd connect_to_path(const std::string& path, timeval patience);

} // namespace machinist
