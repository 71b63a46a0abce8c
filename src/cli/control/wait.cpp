// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "cli/control/execute_job.hpp"
#include "cli/control/verbs.hpp"
#include "cli/control/waiting.hpp"

#include <unistd.h>

namespace machinist {

namespace {

Goal goal_of(const Invocation& call) {
    if (call.until == "running")
        return Goal::running;
    if (call.until == "removed")
        return Goal::removed;
    return call.until == "ready" ? Goal::ready : Goal::executes;
}

std::string unfinished(Goal goal) {
    switch (goal) {
    case Goal::removed: return "has not ended";
    case Goal::executes: return "does not execute the command with success";
    default: return "is not ready";
    }
}

} // namespace

int wait_for_machines(const Invocation& call, const MachineStore& machines) {
    if (::geteuid() != 0)
        return wait_by_service(call);
    Waiting waiting;
    waiting.goal = goal_of(call);
    if (waiting.goal == Goal::executes)
        waiting.command = call.until.substr(call.until.find('=') + 1);
    for (const std::string& word : call.words) {
        const auto name = MachineName::parse(word);
        // One that is not there is waited for only by who limits the time: a misspelt name would be waited for, too.
        if (!name || (waiting.goal != Goal::removed && !call.seconds))
            (void)machines.get(word);
        waiting.names.push_back(*name);
    }
    if (call.seconds)
        waiting.deadline =
            std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(
                                                   std::chrono::duration<double>{*call.seconds});
    const auto pending = wait_until_all(machines, waiting);
    if (pending.empty())
        return 0;
    tell_what_is_queued(machines, pending, unfinished(waiting.goal));
    return 1;
}

} // namespace machinist
