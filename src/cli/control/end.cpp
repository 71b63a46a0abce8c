// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "base/signal_names.hpp"
#include "base/text.hpp"
#include "cli/control/ask_service.hpp"
#include "cli/control/entering.hpp"
#include "cli/control/machine_instance.hpp"
#include "cli/control/verbs.hpp"
#include "cli/control/waiting.hpp"
#include "registry/machine_control.hpp"

#include <cstdio>

namespace machinist {

namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto patience_until_heard = 10s; // init programs take their signals soon after they began
constexpr auto patience_without_init = 1s;
constexpr auto patience_until_undone = 30s;
constexpr double usual_seconds = 90; // before --then, as systemd gives its units
constexpr double longest_command = 60;

// All are known before anything happens to one of them.
std::vector<Machine> machines_of(const Invocation& call, const MachineStore& machines) {
    std::vector<Machine> found;
    for (const std::string& name : call.words)
        found.push_back(machines.get(name));
    return found;
}

void ask_for_end(Machine& machine, EndKind kind, const MachineStore& machines) {
    if (has_instance(machine)) {
        ask_instance(machine, kind == EndKind::reboot ? "Reboot" : "PowerOff");
        return;
    }
    machines.wait_until_open(machine);
    // Who stands still hears nothing.
    if (is_paused(machine))
        resume_machine(machine);
    const OrderlyEnd end = orderly_end_of(machine, kind);
    if (end.signal != 0) {
        // A program that is no init either listens at once or never.
        const bool boots = !machine.spec || machine.spec->payload.mode == StartMode::boot;
        signal_leader_when_heard(machine, end.signal, boots ? patience_until_heard : patience_without_init);
        return;
    }
    const EntryResult result =
        run_entry(machine, {.seconds = longest_command, .command = end.command}, machines.places());
    // It may be killed by what it began.
    if (result.status != 0 && result.status < 128 && machine.leader.alive())
        throw Failure{FailureKind::not_supported, "run '" + joined(end.command, " ") + "' in machine '" +
                                                      machine.name() + "': it ended with status " +
                                                      std::to_string(result.status) + ": " +
                                                      escaped_for_people(trimmed(result.output))}
            .try_instead("'machinist terminate " + machine.name() + "'");
}

void ask_or_terminate(Machine& machine, EndKind kind, const Invocation& call, const MachineStore& machines) {
    try {
        ask_for_end(machine, kind, machines);
    } catch (const Failure& failure) {
        if (call.then.empty() || failure.kind() != FailureKind::not_supported)
            throw;
        std::fprintf(stderr, "machinist: %s; it is terminated\n", failure.what());
        terminate_machine(machine, machines.places(), patience_until_undone);
    }
}

int ask_and_wait(const Invocation& call, const MachineStore& machines, EndKind kind) {
    if (!call.wait && (call.seconds || !call.then.empty()))
        throw Failure{FailureKind::usage, "--timeout= and --then= mean something with --wait only"};
    if (!call.then.empty() && kind == EndKind::reboot)
        throw Failure{FailureKind::usage, "--then= means something for 'poweroff' only"};
    if (!call.then.empty() && asks_service(call))
        throw Failure{FailureKind::not_permitted, "--then=: only root of this host may"};
    if (asks_service(call))
        return end_by_service(call, kind);
    std::vector<Machine> found = machines_of(call, machines);
    for (Machine& machine : found)
        ask_or_terminate(machine, kind, call, machines);
    if (!call.wait)
        return 0;

    Waiting waiting;
    waiting.goal = kind == EndKind::reboot ? Goal::restarted : Goal::removed;
    for (const Machine& machine : found) {
        waiting.names.push_back(machine.record.name);
        waiting.leaders_before[machine.name()] = machine.leader.pid();
    }
    if (call.seconds || !call.then.empty())
        waiting.deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                              std::chrono::duration<double>{call.seconds.value_or(usual_seconds)});
    const std::string what = kind == EndKind::reboot ? "has not started again yet" : "has not ended yet";
    if (!call.quiet)
        waiting.at_half_time = [&](const std::vector<MachineName>& names) {
            tell_what_is_queued(machines, names, what);
        };
    const auto pending = wait_until_all(machines, waiting);
    if (pending.empty())
        return 0;
    if (call.then.empty()) {
        tell_what_is_queued(machines, pending, what);
        return 1;
    }
    for (const MachineName& name : pending)
        if (const auto machine = machines.find(name)) {
            std::fprintf(stderr, "machinist: machine '%s' did not end in time and is terminated\n",
                         machine->name().c_str());
            terminate_machine(*machine, machines.places(), patience_until_undone);
        }
    return 0;
}

} // namespace

int power_off_machines(const Invocation& call, const MachineStore& machines) {
    return ask_and_wait(call, machines, EndKind::power_off);
}

int reboot_machines(const Invocation& call, const MachineStore& machines) {
    return ask_and_wait(call, machines, EndKind::reboot);
}

int terminate_machines(const Invocation& call, const MachineStore& machines) {
    if (asks_service(call)) {
        ask_to_terminate(call);
        return 0;
    }
    for (const Machine& machine : machines_of(call, machines))
        terminate_machine(machine, machines.places(), patience_until_undone);
    return 0;
}

int print_signals(const Invocation&, const MachineStore&) {
    for (const std::string& name : all_signal_names())
        std::puts(name.c_str());
    return 0;
}

int kill_machines(const Invocation& call, const MachineStore& machines) {
    if (asks_service(call)) {
        ask_to_kill(call, std::string{name_of(whom_names, call.whom)}, call.signal);
        return 0;
    }
    for (const Machine& machine : machines_of(call, machines))
        kill_machine(machine, call.whom, call.signal);
    return 0;
}

} // namespace machinist
