// SPDX-License-Identifier: LGPL-2.1-or-later
// The two groups of a machine: one for its limits, and below it the one that the payload manages itself
// (Container Interface J2, J3).
#pragma once

#include "base/unique_fd.hpp"
#include "kernel/device_filter.hpp"
#include "spec/machine_spec.hpp"

#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace machinist {

struct MachineCgroup {
    std::filesystem::path limits_path;
    UniqueFd limits;
    UniqueFd payload;
    bool limits_are_ours = false; // and not a unit's
};

struct UnitDevice {
    std::string path;
    std::string access;
};

enum class UnitPlace {
    own_group, // machine.slice/machine-KEY.scope below the group that we are in
    our_unit,  // the delegated unit that we run in: we move to supervisor/ in it
    new_scope, // one that systemd is asked for while the machine is made
};

struct CgroupPlan {
    std::filesystem::path limits;
    UnitPlace place = UnitPlace::own_group;
    std::vector<std::string> undo_lines;
};

// sd_booted(3)
bool systemd_runs_the_host();
// Whom a start asks for its group: systemd if it runs the host, unless the caller's unit is to be kept.
UnitPlace place_for_machine(const MachineSpec& spec, const std::string& key, bool first_start);
// For new_scope only once we are in it.
CgroupPlan plan_cgroup(UnitPlace place, const std::string& key);
// leader: to be moved there from the top of a new scope; else nobody, it is born there.
MachineCgroup make_machine_cgroup(const CgroupPlan& plan, const MachineSpec& spec, pid_t leader = 0);
// Name of systemd's unit of that group; "" if it is none.
std::string unit_of(const MachineCgroup& cgroup);
// What the payload may open where no unit says so.
std::vector<DeviceRule> device_rules(const MachineSpec& spec);
// The part of it that the machine was given: devices, and nodes that are bound into it.
std::vector<DeviceRule> given_device_rules(const MachineSpec& spec);
// As DeviceAllow= of a unit has it.
UnitDevice in_unit(const DeviceRule& rule);
// What a new scope must permit beside DevicePolicy=closed, as values of DeviceAllow=.
std::vector<std::string> scope_devices(const MachineSpec& spec);
// The number of tasks and the devices that may be opened; before anything of the machine's own runs.
void limit_machine_cgroup(const MachineCgroup& cgroup, const MachineSpec& spec);

} // namespace machinist
