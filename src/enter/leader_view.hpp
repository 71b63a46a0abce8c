// SPDX-License-Identifier: LGPL-2.1-or-later
// What is taken from a machine's leader, all of it read or opened on the host before anything of the machine is
// entered.
#pragma once

#include "base/unique_fd.hpp"
#include "kernel/pidfd.hpp"
#include "kernel/process_status.hpp"

#include <array>
#include <optional>
#include <sched.h>
#include <sys/resource.h>

namespace machinist::enter {

struct LeaderView {
    int namespaces = 0; // CLONE_NEW* of those that are not ours already
    ProcessStatus status;
    UniqueFd root;   // its root directory (O_PATH)
    UniqueFd cgroup; // its group, -1 where there is no cgroup v2
    std::array<rlimit, RLIM_NLIMITS> limits{};
    cpu_set_t cpus{};
    unsigned long personality = 0;
    int oom_score_adjustment = 0;
};

// Throws Failure(not_found) if the leader has ended.
LeaderView look_at_leader(const Pidfd& leader);

// For the process that goes in, while it still has the host's capabilities.
void take_limits_of(const LeaderView& leader);

} // namespace machinist::enter
