// SPDX-License-Identifier: LGPL-2.1-or-later
// What keeps machines from working on this host, or people from seeing to them: kernel, cgroups, users, units,
// services, polkit, images.
#pragma once

#include "cli/control/invocation.hpp"
#include "registry/audit.hpp"

#include <vector>

namespace machinist {

// Empty on a host that has all that machines need.
std::vector<Finding> check_host(const Invocation& call, const Places& places);

} // namespace machinist
