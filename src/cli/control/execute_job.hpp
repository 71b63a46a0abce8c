// SPDX-License-Identifier: LGPL-2.1-or-later
// Commands in machines, and waiting for machines, for those who have to ask the service for it.
#pragma once

#include "cli/control/invocation.hpp"
#include "registry/entry.hpp"

#include <string>

namespace machinist {

// With this process's streams. The exit status.
int execute_by_service(const Invocation& call, const std::string& machine, const Entry& entry);

// The exit status of `wait`.
int wait_by_service(const Invocation& call);

} // namespace machinist
