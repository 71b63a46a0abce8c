// SPDX-License-Identifier: LGPL-2.1-or-later
// The verbs: one function each, one table.
#pragma once

#include "cli/control/invocation.hpp"
#include "registry/machine_store.hpp"

#include <span>
#include <string_view>

namespace machinist {

struct Verb {
    std::string_view name;
    std::string_view words; // "NAME...", for help
    std::string_view help;  // "": another name of the one above
    std::size_t fewest;     // words
    std::size_t most;
    int (*run)(const Invocation& call, const MachineStore& machines); // the exit status
    bool elsewhere = false;                                           // also with --host= and --machine=
};

inline constexpr std::size_t any_number = SIZE_MAX;

std::span<const Verb> verbs();

// Throws Failure: usage for what is no verb or has too few or too many words, not_supported for what is not to be had
// of machines elsewhere, or of one's own.
const Verb& find_verb(const Invocation& call);

int list_machines(const Invocation& call, const MachineStore& machines);
int show_machines(const Invocation& call, const MachineStore& machines);
int show_status(const Invocation& call, const MachineStore& machines);
int execute_in_machine(const Invocation& call, const MachineStore& machines);
int open_shell(const Invocation& call, const MachineStore& machines);
int log_in(const Invocation& call, const MachineStore& machines);
int bind_into_machine(const Invocation& call, const MachineStore& machines);
int unbind_in_machine(const Invocation& call, const MachineStore& machines);
int bind_volume(const Invocation& call, const MachineStore& machines);
int unbind_volume(const Invocation& call, const MachineStore& machines);
int copy_to_machine(const Invocation& call, const MachineStore& machines);
int copy_from_machine(const Invocation& call, const MachineStore& machines);
int handle_ports(const Invocation& call, const MachineStore& machines);
int handle_devices(const Invocation& call, const MachineStore& machines);
int enable_machines(const Invocation& call, const MachineStore& machines);
int disable_machines(const Invocation& call, const MachineStore& machines);
int monitor_machines(const Invocation& call, const MachineStore& machines);
int wait_for_machines(const Invocation& call, const MachineStore& machines);
int power_off_machines(const Invocation& call, const MachineStore& machines);
int reboot_machines(const Invocation& call, const MachineStore& machines);
int terminate_machines(const Invocation& call, const MachineStore& machines);
int pause_machines(const Invocation& call, const MachineStore& machines);
int resume_machines(const Invocation& call, const MachineStore& machines);
int kill_machines(const Invocation& call, const MachineStore& machines);
int connect_for_ssh(const Invocation& call, const MachineStore& machines);
int list_devices(const Invocation& call, const MachineStore& machines);
int collect_remnants(const Invocation& call, const MachineStore& machines);
int run_auditor(const Invocation& call, const MachineStore& machines);
int show_network_path(const Invocation& call, const MachineStore& machines); // doctor net NAME
int print_help(const Invocation& call, const MachineStore& machines);
int print_signals(const Invocation& call, const MachineStore& machines); // kill --signal=list
int print_version(const Invocation& call, const MachineStore& machines);
int print_systemd_version(const Invocation& call, const MachineStore& machines); // for programs that read its number

} // namespace machinist
