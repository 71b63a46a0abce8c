// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/machine_control.hpp"

#include "base/failure.hpp"
#include "kernel/cgroup.hpp"
#include "kernel/cgroup_members.hpp"
#include "kernel/process.hpp"
#include "kernel/process_status.hpp"
#include "registry/machine_facts.hpp"
#include "registry/machine_watch.hpp"
#include "registry/run_directory_view.hpp"

#include <algorithm>
#include <csignal>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds look_again{20};

std::optional<std::filesystem::path> existing(const std::filesystem::path& directory) {
    std::error_code ignored;
    return std::filesystem::is_directory(directory, ignored) ? std::optional{directory} : std::nullopt;
}

std::optional<std::filesystem::path> cgroup_noted_at_start(const Machine& machine) {
    const auto view = RunDirectoryView::open(machine.run_directory);
    if (!view)
        return std::nullopt;
    constexpr std::string_view verb = "cgroup ";
    for (const std::string& line : view->undo_lines()) {
        if (!line.starts_with(verb))
            continue;
        const std::filesystem::path group = line.substr(verb.size());
        return existing(group.filename() == "payload" ? group : group / "payload");
    }
    return std::nullopt;
}

bool awaits(const Machine& machine, int signal) {
    return (read_process_status(machine.leader.pid()).awaited_signals >> (signal - 1) & 1) != 0 ||
           waits_for_signals(machine.leader.pid());
}

} // namespace

std::optional<std::filesystem::path> payload_cgroup(const Machine& machine) {
    if (!machine.run_directory.empty())
        if (auto group = cgroup_noted_at_start(machine))
            return group;
    // Another manager's: below its unit, in the sub-group that systemd-nspawn makes if it is there.
    std::filesystem::path group;
    std::filesystem::path unit;
    for (const auto& part : cgroup_of(machine.leader.pid())) {
        group /= part;
        const std::string name = part.string();
        if (unit.empty() && ((name.starts_with("machine-") && name.ends_with(".scope")) ||
                             (!machine.record.scope.empty() && name == machine.record.scope)))
            unit = group;
        else if (group.parent_path() == unit && name == "payload")
            return group;
    }
    return unit.empty() ? std::nullopt : existing(unit);
}

void kill_machine(const Machine& machine, Whom whom, int signal) {
    if (whom == Whom::supervisor) {
        const auto supervisor = machine.record.supervisor > 0 ? Pidfd::open(machine.record.supervisor) : std::nullopt;
        if (!supervisor || (machine.record.supervisor_pidfd_id != 0 && supervisor->inode() != 0 &&
                            supervisor->inode() != machine.record.supervisor_pidfd_id))
            throw Failure{FailureKind::not_found, "machine '" + machine.name() + "' has no supervisor"};
        supervisor->send_signal(signal);
        return;
    }
    const auto group = whom == Whom::all ? payload_cgroup(machine) : std::nullopt;
    if (group)
        signal_cgroup(*group, signal);
    else
        machine.leader.send_signal(signal);
}

OrderlyEnd orderly_end_of(const Machine& machine, EndKind kind) {
    if (machine.spec && machine.spec->kill_signal && kind == EndKind::power_off)
        return {.signal = *machine.spec->kill_signal, .command = {}};
    if (machine.spec && machine.spec->payload.mode != StartMode::boot) {
        if (machine.spec->payload.mode == StartMode::as_pid2)
            return orderly_end("stub", kind);
        if (kind == EndKind::reboot)
            throw Failure{FailureKind::not_supported,
                          "machine '" + machine.name() + "' runs a command and no init: it cannot reboot"};
        return {.signal = SIGTERM, .command = {}};
    }
    return orderly_end(read_machine_facts(machine, {.os_release = false, .addresses = false, .init = true}).init, kind);
}

void signal_leader_when_heard(const Machine& machine, int signal, std::chrono::milliseconds patience) {
    const auto deadline = Clock::now() + patience;
    while (machine.leader.alive()) {
        try {
            if (awaits(machine, signal)) {
                machine.leader.send_signal(signal);
                return;
            }
        } catch (const Failure&) {
            if (machine.leader.alive())
                throw;
            return;
        }
        if (Clock::now() >= deadline)
            throw Failure{FailureKind::not_supported, "process 1 of machine '" + machine.name() +
                                                          "' does not listen to signal " + std::to_string(signal)}
                .try_instead("'machinist terminate " + machine.name() + "'");
        (void)machine.leader.wait_for_end(static_cast<int>(look_again.count()));
    }
}

void pause_machine(const Machine& machine) {
    const auto group = payload_cgroup(machine);
    if (!group)
        throw Failure{FailureKind::not_supported,
                      "pause machine '" + machine.name() + "': it has no cgroup of its own"};
    doing("pause machine '" + machine.name() + "'", [&] { freeze_cgroup(*group); });
}

void resume_machine(const Machine& machine) {
    if (const auto group = payload_cgroup(machine))
        thaw_cgroup(*group);
}

bool is_paused(const Machine& machine) {
    const auto group = payload_cgroup(machine);
    return group && is_cgroup_frozen(*group);
}

void terminate_machine(const Machine& machine, const Places& places, std::chrono::milliseconds patience) {
    MachineWatch watch{places, {machine.name()}};
    const auto deadline = Clock::now() + patience;
    const auto group = payload_cgroup(machine);
    machine.leader.send_signal(SIGKILL);
    if (group)
        kill_cgroup(*group);
    if (!machine.leader.wait_for_end(static_cast<int>(patience.count())))
        throw Failure{FailureKind::timed_out, "machine '" + machine.name() + "' was killed and does not end"}
            .try_instead("'machinist doctor'");
    if (machine.run_directory.empty())
        return;
    while (const auto view = RunDirectoryView::open(machine.run_directory)) {
        const auto leader = view->leader();
        // Started anew under the same name: no longer the one to end.
        if (leader && (leader->pid != machine.leader.pid() || leader->pidfd_inode != machine.leader.inode()))
            return;
        if (!view->is_kept()) {
            run_program({places.supervisor_program.string(), "--undo", machine.run_directory.string()});
            return;
        }
        if (Clock::now() >= deadline)
            throw Failure{FailureKind::timed_out,
                          "what was made for machine '" + machine.name() + "' is not undone yet"}
                .try_instead("'machinist doctor'");
        // The end of a lock is no event of a file.
        (void)watch.wait({}, std::min(deadline, Clock::now() + look_again));
    }
}

} // namespace machinist
