// SPDX-License-Identifier: LGPL-2.1-or-later
// What can be done to a running machine from outside: signals, its end.
#pragma once

#include "registry/machine.hpp"
#include "registry/places.hpp"
#include "spec/orderly_end.hpp"

#include <chrono>
#include <filesystem>
#include <optional>

namespace machinist {

enum class Whom { leader, supervisor, all };
inline constexpr EnumNames<Whom, 3> whom_names{
    {{Whom::leader, "leader"}, {Whom::supervisor, "supervisor"}, {Whom::all, "all"}}};

// The group that holds all processes of the machine and no others; nothing if there is no such.
std::optional<std::filesystem::path> payload_cgroup(const Machine& machine);

void kill_machine(const Machine& machine, Whom whom, int signal);

// How this machine is asked, by what it runs and what --kill-signal said at its start.
OrderlyEnd orderly_end_of(const Machine& machine, EndKind kind);

// Waits until process 1 listens to the signal: until then the kernel drops it. Throws Failure(timed_out), or
// Failure(not_supported) if it still does not after patience.
void signal_leader_when_heard(const Machine& machine, int signal, std::chrono::milliseconds patience);

// No process of the machine runs on, until it is resumed or asked to end. Throws Failure.
void pause_machine(const Machine& machine);
void resume_machine(const Machine& machine);
bool is_paused(const Machine& machine);

// Ends every process of the machine at once, and waits until all that was made for it is undone.
void terminate_machine(const Machine& machine, const Places& places, std::chrono::milliseconds patience);

} // namespace machinist
