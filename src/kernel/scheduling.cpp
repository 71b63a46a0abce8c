// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/scheduling.hpp"

#include "base/failure.hpp"

#include <cerrno>
#include <climits>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

// <linux/ioprio.h> is no C++ in some versions.
constexpr int io_priority_of_process = 1;
constexpr unsigned io_priority_kind_shift = 13;

// The first form of the kernel's struct; headers of some C libraries have it and clash with the kernel's own.
struct KernelAttributes {
    std::uint32_t size;
    std::uint32_t policy;
    std::uint64_t flags;
    std::int32_t nice;
    std::uint32_t priority;
    std::uint64_t runtime;
    std::uint64_t deadline;
    std::uint64_t period;
};
static_assert(sizeof(KernelAttributes) == 48);

} // namespace

void set_scheduler(const SchedulerAttributes& wanted, pid_t process) {
    KernelAttributes attributes{.size = sizeof(KernelAttributes),
                                .policy = wanted.policy,
                                .flags = wanted.flags,
                                .nice = wanted.nice,
                                .priority = wanted.priority,
                                .runtime = wanted.runtime,
                                .deadline = wanted.deadline,
                                .period = wanted.period};
    if (::syscall(SYS_sched_setattr, process, &attributes, 0U) == 0)
        return;
    Failure failure = system_failure("set the scheduling policy " + std::to_string(wanted.policy));
    if (failure.error_number() == EPERM)
        failure.try_instead("a group with time for realtime processes (cpu.rt_runtime_us), all processors for a "
                            "deadline, or another policy");
    throw failure;
}

void set_io_priority(std::uint32_t kind, std::uint32_t level, pid_t process) {
    if (::syscall(SYS_ioprio_set, io_priority_of_process, process, kind << io_priority_kind_shift | level) < 0)
        throw system_failure("set the priority of input and output");
}

void set_memory_policy(std::uint32_t mode, std::span<const int> nodes) {
    constexpr std::size_t bits = sizeof(unsigned long) * CHAR_BIT;
    std::vector<unsigned long> mask;
    for (const int node : nodes) {
        const auto number = static_cast<std::size_t>(node);
        if (mask.size() <= number / bits)
            mask.resize(number / bits + 1);
        mask[number / bits] |= 1UL << number % bits;
    }
    // The kernel takes one bit less than it is told.
    const std::size_t length = mask.empty() ? 0 : mask.size() * bits + 1;
    if (::syscall(SYS_set_mempolicy, static_cast<int>(mode), mask.empty() ? nullptr : mask.data(), length) == 0)
        return;
    Failure failure = system_failure("set the memory policy");
    if (failure.error_number() == EINVAL)
        failure.try_instead("nodes that the host has, with memory");
    throw failure;
}

} // namespace machinist
