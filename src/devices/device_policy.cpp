// SPDX-License-Identifier: LGPL-2.1-or-later
#include "devices/device_policy.hpp"

#include "base/failure.hpp"
#include "kernel/device_filter.hpp"
#include "kernel/files.hpp"
#include "kernel/user_namespace.hpp"
#include "registry/run_directory_view.hpp"
#include "scope/unit_devices.hpp"
#include "spec/scope_name.hpp"
#include "supervisor/device_nodes.hpp"
#include "supervisor/machine_cgroup.hpp"

#include <fcntl.h>
#include <set>
#include <string_view>

namespace machinist {

namespace {

MachineSpec with_devices_that_are_there(const MachineSpec& spec) {
    MachineSpec present = spec;
    std::erase_if(present.devices, [](const DeviceSpec& device) {
        try {
            return device_nodes_of(device).empty();
        } catch (const Failure&) {
            return true;
        }
    });
    return present;
}

std::vector<UnitDevice> unit_devices_of(const MachineSpec& spec) {
    std::vector<UnitDevice> devices;
    for (const DeviceRule& rule : given_device_rules(with_devices_that_are_there(spec)))
        devices.push_back(in_unit(rule));
    return devices;
}

bool is_by_number(std::string_view path) {
    return path.starts_with("/dev/char/") || path.starts_with("/dev/block/");
}

void add_access(std::string& access, std::string_view more) {
    for (const char word : more)
        if (!access.contains(word))
            access.push_back(word);
}

} // namespace

DevicePolicy DevicePolicy::of(const Machine& machine) {
    if (!in_initial_user_namespace())
        throw Failure{FailureKind::not_supported, "no devices can be made where machinist runs in a machine itself"};
    const auto view = RunDirectoryView::open(machine.run_directory);
    constexpr std::string_view verb = "cgroup ";
    DevicePolicy policy;
    for (const std::string& line : view ? view->undo_lines() : std::vector<std::string>{}) {
        if (!line.starts_with(verb))
            continue;
        const std::filesystem::path group = line.substr(verb.size());
        if (group.filename() != "payload") {
            policy.group_ = group;
            return policy;
        }
        policy.unit_ = group.parent_path().filename().string();
        policy.unit_is_the_machines_ = policy.unit_ == scope_name(machine.run_directory.filename().string());
    }
    if (policy.unit_.empty() || !systemd_runs_the_host())
        throw Failure{FailureKind::not_supported,
                      "the devices of machine '" + machine.name() + "' are decided by somebody else"};
    return policy;
}

void DevicePolicy::change(const MachineSpec& before, const MachineSpec& after) const {
    if (!group_.empty()) {
        replace_device_filter(open_path(group_, O_RDONLY | O_DIRECTORY),
                              device_rules(with_devices_that_are_there(after)));
        return;
    }
    const auto bus = SystemBus::open();
    if (!bus)
        throw Failure{FailureKind::not_supported, "no system bus is there to reach systemd by"};
    UnitDevices devices = read_unit_devices(*bus, unit_);
    if (devices.all_if_empty && devices.allowed.empty())
        return; // it may open all there are
    std::set<std::string> former;
    for (const UnitDevice& device : unit_devices_of(before))
        former.insert(device.path);
    std::erase_if(devices.allowed, [&](const auto& entry) {
        return is_by_number(entry.first) && (unit_is_the_machines_ || former.contains(entry.first));
    });
    for (const UnitDevice& device : unit_devices_of(after))
        add_access(devices.allowed[device.path], device.access);
    write_unit_devices(*bus, unit_, devices);
}

} // namespace machinist
