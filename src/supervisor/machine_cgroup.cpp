// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/machine_cgroup.hpp"

#include "base/failure.hpp"
#include "kernel/cgroup.hpp"
#include "kernel/device_filter.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace machinist {

namespace {

// TasksMax= of systemd's own template unit for machines.
constexpr const char* most_tasks = "16384";

bool is_wanted_controller_file(BorrowedFd group, const char* file) {
    return ::faccessat(group.get(), file, W_OK, 0) == 0;
}

// A device node that the administrator binds into the machine is meant to be used there.
void allow_bound_device(std::vector<DeviceRule>& rules, const ExtraMount& mount) {
    struct stat status {};
    if (mount.kind != ExtraMountKind::bind || mount.source.in_image || mount.source.is_temporary() ||
        ::stat(mount.source.path.c_str(), &status) < 0 || !(S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)))
        return;
    rules.push_back({.kind = S_ISBLK(status.st_mode) ? DeviceKind::block : DeviceKind::character,
                     .major = ::major(status.st_rdev),
                     .minor = ::minor(status.st_rdev),
                     .access = mount.read_only ? device_read : device_all});
}

std::vector<DeviceRule> device_rules(const MachineSpec& spec) {
    std::vector<DeviceRule> rules = closed_device_list();
    for (const ExtraMount& mount : spec.extra_mounts)
        allow_bound_device(rules, mount);
    return rules;
}

} // namespace

CgroupPlan plan_cgroup(const MachineSpec& spec, const std::string& key) {
    std::filesystem::path own = own_cgroup();
    // DelegateSubgroup=supervisor of the unit has put us one level down already.
    if (own.filename() == "supervisor")
        own = own.parent_path();
    CgroupPlan plan;
    if (spec.keep_unit && cgroup_is_delegated(own)) {
        plan.limits = own;
        plan.in_unit = true;
        plan.undo_lines = {"cgroup " + (own / "payload").string()};
        return plan;
    }
    const std::filesystem::path slice = own / "machine.slice";
    plan.limits = slice / ("machine-" + key + ".scope");
    plan.undo_lines = {"rmdir " + slice.string(), "cgroup " + plan.limits.string()};
    return plan;
}

MachineCgroup make_machine_cgroup(const CgroupPlan& plan, const MachineSpec& spec) {
    MachineCgroup made;
    made.limits_path = plan.limits;
    made.limits = make_cgroup(plan.limits);
    if (plan.in_unit)
        move_process_to_cgroup(make_cgroup(plan.limits / "supervisor"), ::getpid());
    enable_controllers(made.limits);
    // Of a machine that starts again. A new process in a group that has once been killed dies at its birth where the
    // kernel compares the wrong counters (CLONE_INTO_CGROUP on Linux 6.14 and later); and its own groups are old.
    remove_cgroup(made.limits, "payload");
    made.payload = make_cgroup(plan.limits / "payload");
    made.limits_are_ours = !plan.in_unit;
    if (spec.users.kind != UserNamespaceKind::none)
        delegate_cgroup(made.payload, spec.users.base, spec.users.base);
    return made;
}

void limit_machine_cgroup(const MachineCgroup& cgroup, const MachineSpec& spec) {
    // In a unit these two are its TasksMax= and DevicePolicy=.
    if (!cgroup.limits_are_ours)
        return;
    if (is_wanted_controller_file(cgroup.limits, "pids.max"))
        write_existing(cgroup.limits, "pids.max", most_tasks);
    attach_device_filter(cgroup.limits, device_rules(spec));
}

} // namespace machinist
