// SPDX-License-Identifier: LGPL-2.1-or-later
// Options of a bind mount as documents of OCI write them.
#pragma once

#include "oci/json_fields.hpp"
#include "spec/machine_spec.hpp"

#include <string>
#include <vector>

namespace machinist::oci {

// Into mount; place is that of the options.
void read_bind_options(const std::string& place, const std::vector<std::string>& options, ExtraMount& mount,
                       Findings& findings);

} // namespace machinist::oci
