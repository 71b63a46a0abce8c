// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/machine_cgroup.hpp"

#include "base/failure.hpp"
#include "image/stack.hpp"
#include "kernel/cgroup.hpp"
#include "kernel/device_filter.hpp"
#include "kernel/files.hpp"
#include "spec/scope_name.hpp"

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

// DelegateSubgroup=supervisor of the unit, or our former self, has put us one level down.
std::filesystem::path own_unit_group() {
    const std::filesystem::path own = own_cgroup();
    return own.filename() == "supervisor" ? own.parent_path() : own;
}

std::vector<DeviceRule> device_rules(const MachineSpec& spec) {
    std::vector<DeviceRule> rules = closed_device_list();
    for (const ExtraMount& mount : spec.extra_mounts)
        allow_bound_device(rules, mount);
    return rules;
}

} // namespace

bool systemd_runs_the_host() {
    struct stat status {};
    return ::lstat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode);
}

UnitPlace place_for_machine(const MachineSpec& spec, const std::string& key, bool first_start) {
    const std::filesystem::path unit = own_unit_group();
    if (spec.keep_unit && cgroup_is_delegated(unit))
        return UnitPlace::our_unit;
    if (!spec.keep_unit && systemd_runs_the_host()) {
        if (first_start)
            return UnitPlace::new_scope;
        // A machine that reboots stays in its scope.
        if (unit.filename() == scope_name(key) && cgroup_is_delegated(unit))
            return UnitPlace::our_unit;
    }
    return UnitPlace::own_group;
}

CgroupPlan plan_cgroup(UnitPlace place, const std::string& key) {
    CgroupPlan plan;
    plan.place = place;
    plan.limits = own_unit_group();
    if (place != UnitPlace::own_group) {
        plan.undo_lines = {"cgroup " + (plan.limits / "payload").string()};
        return plan;
    }
    const std::filesystem::path slice = plan.limits / "machine.slice";
    plan.limits = slice / ("machine-" + key + ".scope");
    plan.undo_lines = {"rmdir " + slice.string(), "cgroup " + plan.limits.string()};
    return plan;
}

MachineCgroup make_machine_cgroup(const CgroupPlan& plan, const MachineSpec& spec, pid_t leader) {
    MachineCgroup made;
    made.limits_path = plan.limits;
    made.limits = make_cgroup(plan.limits);
    // Of a machine that starts again. A new process in a group that has once been killed dies at its birth where the
    // kernel compares the wrong counters (CLONE_INTO_CGROUP on Linux 6.14 and later); and its own groups are old.
    remove_cgroup(made.limits, "payload");
    made.payload = make_cgroup(plan.limits / "payload");
    if (plan.place != UnitPlace::own_group)
        move_process_to_cgroup(make_cgroup(plan.limits / "supervisor"), ::getpid());
    if (leader > 0)
        move_process_to_cgroup(made.payload, leader);
    // Only now: a group with processes of its own hands on none.
    enable_controllers(made.limits);
    made.limits_are_ours = plan.place == UnitPlace::own_group;
    if (spec.users.kind != UserNamespaceKind::none)
        delegate_cgroup(made.payload, spec.users.base, spec.users.base);
    return made;
}

std::string unit_of(const MachineCgroup& cgroup) {
    return cgroup.limits_are_ours ? "" : cgroup.limits_path.filename().string();
}

std::vector<std::string> scope_devices(const MachineSpec& spec) {
    std::vector<std::string> allowed{"/dev/net/tun rwm", "char-pts rw", "/dev/fuse rwm"};
    // A machine that reboots mounts its disk image again, from within the scope.
    if (spec.root.disk || is_stack(spec.root.directory))
        allowed.insert(allowed.end(), {"/dev/loop-control rw", "block-loop rw"});
    if (spec.root.disk && std::ranges::any_of(spec.root.disk->mounts, [](const DiskMount& mount) {
            return mount.protection != DiskProtection::none;
        }))
        allowed.insert(allowed.end(), {"/dev/mapper/control rw", "block-device-mapper rw"});
    std::vector<DeviceRule> bound;
    for (const ExtraMount& mount : spec.extra_mounts)
        allow_bound_device(bound, mount);
    for (const DeviceRule& rule : bound)
        allowed.push_back(std::string{rule.kind == DeviceKind::block ? "/dev/block/" : "/dev/char/"} +
                          std::to_string(*rule.major) + ":" + std::to_string(*rule.minor) +
                          (rule.access == device_all ? " rwm" : " r"));
    return allowed;
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
