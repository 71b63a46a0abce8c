// SPDX-License-Identifier: LGPL-2.1-or-later
// How a process and its children are served: processor time, input and output, where their memory lies.
#pragma once

#include <cstdint>
#include <span>
#include <sys/types.h>

namespace machinist {

// sched_setattr(2)
struct SchedulerAttributes {
    std::uint32_t policy = 0; // SCHED_*
    std::uint64_t flags = 0;  // SCHED_FLAG_*
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0;
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
};
void set_scheduler(const SchedulerAttributes& wanted, pid_t process);

// ioprio_set(2): IOPRIO_CLASS_*, and 0 to 7.
void set_io_priority(std::uint32_t kind, std::uint32_t level, pid_t process);

// set_mempolicy(2), of the calling process: MPOL_* with its flags.
void set_memory_policy(std::uint32_t mode, std::span<const int> nodes);

} // namespace machinist
