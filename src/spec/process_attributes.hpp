// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel keeps of a process and hands on to its children: how it is scheduled, where its memory lies, what its
// clocks show. In the numbers of the kernel.
#pragma once

#include <cstdint>
#include <vector>

namespace machinist {

// sched_setattr(2)
struct SchedulerSpec {
    std::uint32_t policy = 0; // SCHED_*
    std::uint64_t flags = 0;  // SCHED_FLAG_*
    std::int32_t nice = 0;
    std::uint32_t priority = 0;
    std::uint64_t runtime = 0; // nanoseconds, as the two below
    std::uint64_t deadline = 0;
    std::uint64_t period = 0;
    friend bool operator==(const SchedulerSpec&, const SchedulerSpec&) = default;
};

// ioprio_set(2)
struct IoPrioritySpec {
    std::uint32_t kind = 0;  // IOPRIO_CLASS_*
    std::uint32_t level = 0; // 0, the first to be served, to 7
    friend bool operator==(const IoPrioritySpec&, const IoPrioritySpec&) = default;
};

// set_mempolicy(2)
struct MemoryPolicySpec {
    std::uint32_t mode = 0;  // MPOL_*
    std::uint32_t flags = 0; // MPOL_F_*
    std::vector<int> nodes;
    friend bool operator==(const MemoryPolicySpec&, const MemoryPolicySpec&) = default;
};

// What is added to a clock of the host.
struct ClockOffset {
    std::int64_t seconds = 0;
    std::uint32_t nanoseconds = 0;
    friend bool operator==(const ClockOffset&, const ClockOffset&) = default;
};

// Of a time namespace.
struct ClockSpec {
    ClockOffset monotonic;
    ClockOffset boot_time;
    friend bool operator==(const ClockSpec&, const ClockSpec&) = default;
};

} // namespace machinist
