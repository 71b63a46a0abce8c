// SPDX-License-Identifier: LGPL-2.1-or-later
// The two groups of a machine: one for its limits, and below it the one that the payload manages itself
// (Container Interface J2, J3).
#pragma once

#include "base/unique_fd.hpp"
#include "spec/machine_spec.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace machinist {

struct MachineCgroup {
    std::filesystem::path limits_path;
    UniqueFd limits;
    UniqueFd payload;
    bool limits_are_ours = false; // and not a unit's
};

struct CgroupPlan {
    std::filesystem::path limits; // the unit's own group, or one made for this machine
    bool in_unit = false;         // limits is the unit that we run in: we move to supervisor/ in it
    std::vector<std::string> undo_lines;
};

// In a unit with Delegate=yes and --keep-unit, that unit's group; else machine.slice/machine-KEY.scope below our own.
CgroupPlan plan_cgroup(const MachineSpec& spec, const std::string& key);
MachineCgroup make_machine_cgroup(const CgroupPlan& plan, const MachineSpec& spec);
// The number of tasks and the devices that may be opened; before anything of the machine's own runs.
void limit_machine_cgroup(const MachineCgroup& cgroup, const MachineSpec& spec);

} // namespace machinist
