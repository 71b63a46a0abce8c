// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/machine_store.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/process_status.hpp"
#include "registry/run_directory_view.hpp"

#include <cerrno>
#include <fcntl.h>
#include <set>

namespace machinist {

namespace {

constexpr std::string_view name_of_supervisor = "machinist-super"; // as much of it as the kernel keeps
constexpr int look_again = 5;                                      // milliseconds; nobody tells of an exec
constexpr int longest_opening = 60000;

std::optional<MachineRecord> read_record(const std::filesystem::path& directory, const MachineName& name) {
    const std::filesystem::path path = directory / name.text();
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (!file) {
        if (errno == ENOENT || errno == ELOOP || errno == ENOTDIR || errno == EACCES)
            return std::nullopt;
        throw system_failure("open '" + path.string() + "'");
    }
    auto record = parse_machine_record(read_all(file, machine_record_limit + 1));
    // A file under another name than it holds is nobody's.
    if (!record || record->name != name)
        return std::nullopt;
    return record;
}

// A machine of ours that is between two starts, or whose state file could not be written.
MachineRecord record_from(const MachineSpec& spec, const RunDirectoryView& view) {
    MachineRecord record;
    record.name = spec.name;
    record.service = spec.service;
    record.root = spec.root.directory.string();
    record.id = spec.id;
    record.run_directory = view.path().string();
    return record;
}

// The launcher becomes the supervisor program when the payload has been executed, and not before; and it becomes a
// launcher again when the machine starts again.
bool is_launcher(pid_t keeper, std::uint64_t pidfd_inode) {
    const auto process = keeper > 0 ? Pidfd::open(keeper) : std::nullopt;
    if (!process || (pidfd_inode != 0 && process->inode() != 0 && process->inode() != pidfd_inode))
        return false;
    try {
        return read_process_status(keeper).name != name_of_supervisor;
    } catch (const Failure&) {
        return false;
    }
}

} // namespace

std::optional<Machine> MachineStore::find(const MachineName& name) const {
    auto record = read_record(places_.state_files, name);
    auto view = RunDirectoryView::open(places_.run_directories / name.text());
    Machine machine;
    if (view) {
        machine.spec = view->spec();
        // A machine that was not to be listed may have a directory by its plain name.
        if (!record && machine.spec && !machine.spec->registered)
            return std::nullopt;
        if (const auto leader = view->leader())
            if (auto held = hold_leader(*leader)) {
                if (!record && !machine.spec)
                    return std::nullopt;
                machine.record = record ? *record : record_from(*machine.spec, *view);
                machine.record.leader = held->pid();
                machine.record.leader_pidfd_id = held->inode();
                machine.leader = std::move(*held);
                machine.run_directory = view->path();
                // Who registered a machine over the bus need not be who keeps it.
                machine.opening = leader->keeper != 0
                                      ? is_launcher(leader->keeper, leader->keeper_pidfd_inode)
                                      : is_launcher(machine.record.supervisor, machine.record.supervisor_pidfd_id);
                machine.notifications = view->notifications();
                return machine;
            }
    }
    if (!record)
        return std::nullopt;
    auto held = hold_leader(*record);
    if (!held)
        return std::nullopt;
    machine.spec.reset();
    // It may be on the list before its launcher has written down its leader.
    machine.opening = view && !view->leader() && has_not_executed(held->pid());
    machine.record = std::move(*record);
    machine.leader = std::move(*held);
    return machine;
}

std::vector<Machine> MachineStore::list() const {
    std::set<MachineName> names;
    for (const auto& directory : {places_.state_files, places_.run_directories})
        for (const std::string& entry : names_in(directory))
            if (auto name = MachineName::parse(entry))
                names.insert(std::move(*name));
    std::vector<Machine> machines;
    for (const MachineName& name : names)
        if (auto machine = find(name))
            machines.push_back(std::move(*machine));
    return machines;
}

Machine MachineStore::get(std::string_view name) const {
    const auto valid = MachineName::parse(name);
    auto machine = valid ? find(*valid) : std::nullopt;
    if (!machine)
        throw Failure{FailureKind::not_found, "No machine '" + std::string{name} + "' known"};
    return std::move(*machine);
}

void MachineStore::wait_until_open(Machine& machine) const {
    for (int waited = 0; machine.opening; waited += look_again) {
        if (waited >= longest_opening)
            throw Failure{FailureKind::timed_out, "machine '" + machine.name() + "' does not get to run its payload"};
        if (machine.leader.wait_for_end(look_again))
            throw Failure{FailureKind::not_found, "machine '" + machine.name() + "' has ended"};
        auto now = find(machine.record.name);
        if (!now || now->leader.pid() != machine.leader.pid())
            throw Failure{FailureKind::not_found, "machine '" + machine.name() + "' has ended"};
        machine = std::move(*now);
    }
}

} // namespace machinist
