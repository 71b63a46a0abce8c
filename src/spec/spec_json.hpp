// SPDX-License-Identifier: LGPL-2.1-or-later
// A MachineSpec as JSON and back, exactly: the stored spec of a machine and --dry-run --json.
#pragma once

#include "spec/machine_spec.hpp"
#include "spec/mount_plan.hpp"

#include <string>
#include <string_view>

namespace machinist {

// Text that is not UTF-8 is written as {"base64": "..."}.
std::string to_json(const MachineSpec& spec);

// Throws Failure(invalid) naming the member that is missing, of another type or out of its range.
MachineSpec spec_from_json(std::string_view text);

// {"spec": ..., "plan": [{"target": ..., "what": ..., "attributes": ..., "side": ..., "why": ...}, ...],
// "links": [{"kind": ..., "host-name": ..., "machine-name": ..., ...}, ...]}, indented, for --dry-run --json. Values of
// credentials are left out.
std::string dry_run_json(const MachineSpec& spec, const MountPlan& plan);

} // namespace machinist
