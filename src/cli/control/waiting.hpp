// SPDX-License-Identifier: LGPL-2.1-or-later
// Waits for what machines do, woken by their files and processes.
#pragma once

#include "registry/machine_store.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

enum class Goal {
    running,   // it is there
    ready,     // its process 1 said so
    executes,  // a command in it ends with status 0
    removed,   // it has ended and what was made for it is undone
    restarted, // it has another leader than before
};

struct Waiting {
    Goal goal = Goal::ready;
    std::string command; // executes: for /bin/sh
    std::vector<MachineName> names;
    std::map<std::string, pid_t> leaders_before; // restarted
    std::optional<std::chrono::steady_clock::time_point> deadline;
    // Called once, half-way to the deadline, with those that are still waited for.
    std::function<void(const std::vector<MachineName>&)> at_half_time;
};

// Those for which it had not happened at the deadline. A machine that is not there is waited for.
// Throws Failure if a machine ended, or can never get there.
std::vector<MachineName> wait_until_all(const MachineStore& machines, const Waiting& waiting);

// What keeps the machine busy: jobs of its init, or its processes. For people.
std::string what_is_queued_in(const Machine& machine, const Places& places);
// The same to stderr, with a heading for each.
void tell_what_is_queued(const MachineStore& machines, const std::vector<MachineName>& names, const std::string& what);

} // namespace machinist
