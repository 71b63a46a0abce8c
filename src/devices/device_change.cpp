// SPDX-License-Identifier: LGPL-2.1-or-later
#include "devices/device_change.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "devices/device_policy.hpp"
#include "kernel/files.hpp"
#include "registry/run_directory_view.hpp"
#include "registry/running_errand.hpp"
#include "spec/spec_json.hpp"
#include "supervisor/device_nodes.hpp"

#include <algorithm>
#include <chrono>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/sysmacros.h>

namespace machinist {

namespace {

constexpr std::chrono::seconds patience{20};

class Change {
public:
    Change(const MachineStore& machines, const Machine& machine)
        : machines_(machines),
          machine_(machine),
          policy_(DevicePolicy::of(machine)),
          lock_(open_path(machine.run_directory, O_RDONLY | O_DIRECTORY)) {
        if (::flock(lock_.get(), LOCK_EX) < 0)
            throw system_failure("wait for others who change devices of the machine");
        const auto view = RunDirectoryView::open(machine.run_directory);
        auto spec = view ? view->spec() : std::nullopt;
        if (!spec)
            throw Failure{FailureKind::not_found, "machine '" + machine.name() + "' has ended"};
        before = std::move(*spec);
    }

    void write_down(const MachineSpec& spec) const {
        write_atomically(machine_.run_directory / "spec.json", to_json(spec), 0600);
    }
    void allow(const MachineSpec& from, const MachineSpec& to) const {
        policy_.change(from, to);
    }
    void make(const DeviceNode& node) const {
        do_errand({.kind = ErrandKind::make_device,
                   .words = {node.path.string(), node.is_block ? "b" : "c", std::to_string(::major(node.number)),
                             std::to_string(::minor(node.number)), std::to_string(node.mode), std::to_string(node.user),
                             std::to_string(node.group)}});
    }
    void remove(const std::filesystem::path& path) const {
        do_errand({.kind = ErrandKind::remove_device, .words = {path.string()}});
    }

    MachineSpec before;

private:
    void do_errand(const Errand& errand) const {
        (void)run_errand(machine_, errand, machines_.places(), patience);
    }

    const MachineStore& machines_;
    const Machine& machine_;
    DevicePolicy policy_;
    UniqueFd lock_;
};

// Of one that the host has no more, the place where it was.
std::vector<std::filesystem::path> places_of(const DeviceSpec& device) {
    std::vector<std::filesystem::path> places;
    try {
        for (const DeviceNode& node : device_nodes_of(device))
            places.push_back(node.path);
    } catch (const Failure&) {
        places.push_back(device.path);
    }
    return places;
}

// As far as it can be: the reason why it did not work is told.
template <typename Step>
void take_back(Step&& step) {
    try {
        step();
    } catch (const Failure&) {
        // What is left is gone with the machine.
    }
}

void refuse_other_managers(const Machine& machine) {
    if (!machine.spec)
        throw Failure{FailureKind::not_supported, "machine '" + machine.name() + "' is kept by another manager"};
    if (machine.opening)
        throw Failure{FailureKind::busy, "machine '" + machine.name() + "' is starting"};
}

} // namespace

void add_device(const MachineStore& machines, const Machine& machine, const DeviceSpec& device) {
    refuse_other_managers(machine);
    const std::vector<DeviceNode> nodes = device_nodes_of(device);
    const Change change{machines, machine};
    MachineSpec after = change.before;
    const auto listed = std::ranges::find(after.devices, device.path, &DeviceSpec::path);
    const bool is_new = listed == after.devices.end();
    if (is_new)
        after.devices.push_back(device);
    else if (listed->access != device.access || listed->host_path() != device.host_path())
        throw Failure{FailureKind::already_exists,
                      "machine '" + machine.name() + "' has '" + device.path.string() + "' already, otherwise"}
            .try_instead("removing it first");
    if (is_new)
        change.write_down(after);
    std::size_t made = 0;
    try {
        change.allow(change.before, after);
        for (; made < nodes.size(); ++made)
            change.make(nodes[made]);
    } catch (const Failure&) {
        if (is_new) {
            for (std::size_t node = 0; node < made; ++node)
                take_back([&] { change.remove(nodes[node].path); });
            take_back([&] { change.allow(after, change.before); });
            take_back([&] { change.write_down(change.before); });
        }
        throw;
    }
}

void remove_device(const MachineStore& machines, const Machine& machine, const std::filesystem::path& path) {
    refuse_other_managers(machine);
    const Change change{machines, machine};
    MachineSpec after = change.before;
    const auto listed = std::ranges::find(after.devices, path, &DeviceSpec::path);
    if (listed == after.devices.end())
        throw Failure{FailureKind::not_found,
                      "machine '" + machine.name() + "' was not given '" + escaped_for_people(path.string()) + "'"}
            .try_instead("'machinist device list " + machine.name() + "'");
    const std::vector<std::filesystem::path> places = places_of(*listed);
    std::erase_if(after.devices, [&](const DeviceSpec& device) { return device.path == path; });
    for (const std::filesystem::path& place : places)
        change.remove(place);
    change.allow(change.before, after);
    change.write_down(after);
}

} // namespace machinist
