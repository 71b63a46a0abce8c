// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/machine_cgroup.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/stack.hpp"
#include "kernel/cgroup.hpp"
#include "kernel/device_filter.hpp"
#include "kernel/files.hpp"
#include "kernel/user_namespace.hpp"
#include "spec/group_limits.hpp"
#include "spec/scope_name.hpp"
#include "supervisor/device_nodes.hpp"

#include <algorithm>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

// TasksMax= of systemd's own template unit for machines.
constexpr const char* most_tasks = "16384";

bool is_wanted_controller_file(BorrowedFd group, const char* file) {
    return ::faccessat(group.get(), file, W_OK, 0) == 0;
}

HostAmounts amounts_of_host() {
    const auto number_in = [](const char* file) {
        const auto text = read_file_if_exists(file);
        return parse_integer<std::uint64_t>(trimmed(text.value_or(""))).value_or(UINT32_MAX);
    };
    return {.memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)),
            .tasks = std::min(number_in("/proc/sys/kernel/pid_max"), number_in("/proc/sys/kernel/threads-max"))};
}

// Of a path that is no device, the one that its filesystem lies on.
std::string device_number(const Path& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0)
        throw system_failure("look at '" + path.string() + "'");
    const dev_t device = S_ISBLK(status.st_mode) ? status.st_rdev : status.st_dev;
    return std::to_string(::major(device)) + ":" + std::to_string(::minor(device)) + " ";
}

// What the host has no controller for is said: a machine must not seem to be limited.
void keep_limits(BorrowedFd group, const std::vector<std::string>& assignments, const MachineName& machine) {
    for (const GroupLimit& limit : group_limits(assignments, amounts_of_host())) {
        try {
            const std::string device = limit.device.empty() ? "" : device_number(limit.device);
            write_existing(group, limit.file.c_str(), device + limit.value);
        } catch (const Failure& failure) {
            std::fprintf(stderr, "machinist: warning: machine '%s' runs without its limit %s=: %s\n",
                         machine.text().c_str(), limit.name.c_str(), failure.what());
        }
    }
}

std::vector<std::string> all_limits(const MachineSpec& spec) {
    std::vector<std::string> assignments = spec.resources.group_limits;
    assignments.insert(assignments.end(), spec.unit_properties.begin(), spec.unit_properties.end());
    return assignments;
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

void allow_given_devices(std::vector<DeviceRule>& rules, const MachineSpec& spec) {
    for (const DeviceNode& node : device_nodes_of(spec))
        rules.push_back({.kind = node.is_block ? DeviceKind::block : DeviceKind::character,
                         .major = ::major(node.number),
                         .minor = ::minor(node.number),
                         .access = node.access});
}

// DelegateSubgroup=supervisor of the unit, or our former self, has put us one level down.
std::filesystem::path own_unit_group() {
    const std::filesystem::path own = own_cgroup();
    return own.filename() == "supervisor" ? own.parent_path() : own;
}

} // namespace

std::vector<DeviceRule> given_device_rules(const MachineSpec& spec) {
    std::vector<DeviceRule> rules;
    for (const ExtraMount& mount : spec.extra_mounts)
        allow_bound_device(rules, mount);
    allow_given_devices(rules, spec);
    return rules;
}

std::vector<DeviceRule> device_rules(const MachineSpec& spec) {
    std::vector<DeviceRule> rules = closed_device_list();
    for (const DeviceRule& rule : given_device_rules(spec))
        rules.push_back(rule);
    return rules;
}

UnitDevice in_unit(const DeviceRule& rule) {
    UnitDevice device;
    device.path = (rule.kind == DeviceKind::block ? "/dev/block/" : "/dev/char/") + std::to_string(*rule.major) + ":" +
                  std::to_string(*rule.minor);
    for (const auto& [bit, word] : {std::pair{device_read, 'r'}, {device_write, 'w'}, {device_mknod, 'm'}})
        if ((rule.access & bit) != 0)
            device.access.push_back(word);
    return device;
}

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
    // Above it only where a limit asks for them, as far as the processes there permit.
    if (plan.place == UnitPlace::own_group && !all_limits(spec).empty())
        for (const Path& above : {plan.limits.parent_path().parent_path(), plan.limits.parent_path()})
            enable_controllers(open_path(above, O_RDONLY | O_DIRECTORY));
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
    for (const DeviceRule& rule : given_device_rules(spec)) {
        const UnitDevice device = in_unit(rule);
        allowed.push_back(device.path + " " + device.access);
    }
    return allowed;
}

void limit_machine_cgroup(const MachineCgroup& cgroup, const MachineSpec& spec) {
    // A unit that somebody else made has limits of its own; the settings' are those of the group in it.
    if (!cgroup.limits_are_ours && spec.keep_unit)
        keep_limits(cgroup.payload, spec.resources.group_limits, spec.name);
    // In a unit these two are its TasksMax= and DevicePolicy=.
    if (!cgroup.limits_are_ours)
        return;
    if (is_wanted_controller_file(cgroup.limits, "pids.max"))
        write_existing(cgroup.limits, "pids.max", most_tasks);
    keep_limits(cgroup.limits, all_limits(spec), spec.name);
    // Inside of a machine no devices can be made, and its own policy holds for what runs in it.
    if (in_initial_user_namespace())
        attach_device_filter(cgroup.limits, device_rules(spec));
}

} // namespace machinist
