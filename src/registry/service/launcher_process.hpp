// SPDX-License-Identifier: LGPL-2.1-or-later
// A machine started beside the service for somebody who gave it streams. The process becomes its supervisor.
#pragma once

#include "kernel/pidfd.hpp"
#include "registry/service/taken_streams.hpp"

#include <string>
#include <vector>

namespace machinist {

// arguments: of `machinist run`. A terminal among the streams becomes that of its session, so that a change of size
// comes there. Throws Failure if the program is not installed.
Pidfd start_launcher(std::vector<std::string> arguments, const CallersStreams& streams);

} // namespace machinist
