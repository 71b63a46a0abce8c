// SPDX-License-Identifier: LGPL-2.1-or-later
// The auditor: what on this host looks like ours and belongs to no machine, or to one that is not whole.
#pragma once

#include "registry/places.hpp"

#include <string>
#include <vector>

namespace machinist {

struct Finding {
    std::string kind;   // "mount", "process", "run directory", ...
    std::string object; // a path, or the number of a process
    std::string why;
    std::string remedy; // a command
};

// Empty on a healthy host. A machine that starts or ends at this moment may show for as long as that takes.
std::vector<Finding> audit(const Places& places);

} // namespace machinist
