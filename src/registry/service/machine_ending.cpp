// SPDX-License-Identifier: LGPL-2.1-or-later
// The verbs of the registry that end machines or send them signals.
#include "base/failure.hpp"
#include "kernel/cgroup.hpp"
#include "kernel/cgroup_members.hpp"
#include "registry/service/machine_registry.hpp"
#include "registry/service/process_place.hpp"

#include <csignal>

namespace machinist {

namespace {

Pidfd supervisor_of(const RegisteredMachine& machine) {
    const MachineRecord& record = machine.record;
    auto supervisor = record.supervisor > 1 ? Pidfd::open(record.supervisor) : std::nullopt;
    if (!supervisor || (record.supervisor_pidfd_id != 0 && supervisor->inode() != 0 &&
                        supervisor->inode() != record.supervisor_pidfd_id))
        throw Failure{FailureKind::not_supported, "machine '" + machine.name() + "' has no supervisor"};
    return std::move(*supervisor);
}

} // namespace

void MachineRegistry::terminate(std::string_view name, OnDone done) {
    RegisteredMachine& machine = held(name);
    if (machine.owns_unit()) {
        units_.stop_unit(machine.record.scope, std::move(done));
    } else {
        // A unit that holds more than the machine is not ours to stop: its supervisor ends the machine, or systemd
        // would start it again.
        if (machine.record.supervisor > 1)
            (void)supervisor_of(machine).send_signal(SIGTERM);
        else
            (void)machine.leader.send_signal(SIGKILL);
        done(nullptr);
    }
    set_state(machine, MachineState::closing);
}

void MachineRegistry::kill(std::string_view name, std::string_view whom, int signal, OnDone done) {
    if (signal < 1 || signal > SIGRTMAX)
        throw Failure{FailureKind::invalid, "Invalid signal " + std::to_string(signal)};
    if (whom != "" && whom != "all" && whom != "leader" && whom != "supervisor")
        throw Failure{FailureKind::invalid, "Invalid kill parameter '" + std::string{whom.substr(0, 100)} + "'"};
    RegisteredMachine& machine = held(name);
    if (whom == "leader") {
        (void)machine.leader.send_signal(signal);
    } else if (whom == "supervisor") {
        (void)supervisor_of(machine).send_signal(signal);
    } else if (machine.owns_unit()) {
        units_.kill_unit(machine.record.scope, "", signal, std::move(done));
        return;
    } else if (const auto group = group_of_process(machine.leader.pid(), machine.record.scope, machine.subgroup)) {
        (void)signal_cgroup(*group, signal);
    } else {
        (void)machine.leader.send_signal(signal);
    }
    done(nullptr);
}

} // namespace machinist
