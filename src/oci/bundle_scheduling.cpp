// SPDX-License-Identifier: LGPL-2.1-or-later
// How the kernel serves what runs in a bundle: processor time, input and output, where its memory lies.
#include "oci/bundle_parts.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <linux/mempolicy.h>
#include <linux/sched.h>

namespace machinist::oci {

namespace {

struct Named {
    std::string_view name;
    std::uint32_t value;
};

// <linux/ioprio.h> is no C++ in some versions.
constexpr std::array io_classes{Named{"IOPRIO_CLASS_RT", 1}, Named{"IOPRIO_CLASS_BE", 2},
                                Named{"IOPRIO_CLASS_IDLE", 3}};
constexpr std::uint64_t lowest_io_level = 7;

constexpr std::array policies{Named{"SCHED_OTHER", SCHED_NORMAL}, Named{"SCHED_FIFO", SCHED_FIFO},
                              Named{"SCHED_RR", SCHED_RR},        Named{"SCHED_BATCH", SCHED_BATCH},
                              Named{"SCHED_IDLE", SCHED_IDLE},    Named{"SCHED_DEADLINE", SCHED_DEADLINE}};
constexpr std::array scheduler_flags{
    Named{"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK}, Named{"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
    Named{"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN}, Named{"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
    Named{"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS}};

constexpr std::uint32_t weighted_interleave = 6; // Linux 6.9
constexpr std::array memory_modes{Named{"MPOL_DEFAULT", MPOL_DEFAULT},
                                  Named{"MPOL_PREFERRED", MPOL_PREFERRED},
                                  Named{"MPOL_BIND", MPOL_BIND},
                                  Named{"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
                                  Named{"MPOL_LOCAL", MPOL_LOCAL},
                                  Named{"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
                                  Named{"MPOL_WEIGHTED_INTERLEAVE", weighted_interleave}};
constexpr std::array memory_flags{Named{"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
                                  Named{"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
                                  Named{"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING}};

template <std::size_t count>
std::optional<std::uint32_t> value_of(const std::array<Named, count>& table, std::string_view name) {
    const auto* known = std::ranges::find(table, name, &Named::name);
    return known == table.end() ? std::nullopt : std::optional{known->value};
}

template <std::size_t count>
std::uint32_t flags_in(Fields& fields, const std::array<Named, count>& table, const char* refusal) {
    std::uint32_t flags = 0;
    for (const std::string& word : fields.texts("flags")) {
        if (const auto flag = value_of(table, word))
            flags |= *flag;
        else
            fields.findings().refuse(fields.place_of("flags"),
                                     "has '" + escaped_for_people(word.substr(0, 40)) + "', which " + refusal, {},
                                     FailureKind::not_supported);
    }
    return flags;
}

void read_io_priority(Fields wanted, BundleReading& reading) {
    const auto kind = value_of(io_classes, wanted.text("class").value_or(""));
    const auto level = wanted.number("priority").value_or(0);
    wanted.told_all();
    if (!kind)
        return reading.findings.refuse(wanted.place_of("class"), "is no class of input and output");
    if (level < 0 || level > static_cast<std::int64_t>(lowest_io_level))
        return reading.findings.refuse(wanted.place_of("priority"), "is no number from 0 to 7");
    reading.settings().io_priority = IoPrioritySpec{*kind, static_cast<std::uint32_t>(level)};
}

void read_scheduler(Fields wanted, BundleReading& reading) {
    const std::string policy = wanted.text("policy").value_or("");
    const auto number = value_of(policies, policy);
    const auto nice = wanted.number("nice").value_or(0);
    const auto priority = wanted.number("priority").value_or(0);
    // Clamps of utilization need values, for which a bundle has no fields.
    SchedulerSpec scheduler{.policy = number.value_or(0),
                            .flags = flags_in(wanted, scheduler_flags, "no bundle can have the values for"),
                            .nice = static_cast<std::int32_t>(nice),
                            .priority = static_cast<std::uint32_t>(priority),
                            .runtime = wanted.natural("runtime").value_or(0),
                            .deadline = wanted.natural("deadline").value_or(0),
                            .period = wanted.natural("period").value_or(0)};
    wanted.told_all();
    const bool is_realtime = number == SCHED_FIFO || number == SCHED_RR;
    const bool has_deadline = number == SCHED_DEADLINE;
    if (policy == "SCHED_ISO")
        reading.findings.refuse(wanted.place_of("policy"), "is SCHED_ISO, which Linux never had", {},
                                FailureKind::not_supported);
    else if (!number)
        reading.findings.refuse(wanted.place_of("policy"), "is no scheduling policy");
    else if (nice < -20 || nice > 19)
        reading.findings.refuse(wanted.place_of("nice"), "is no number from -20 to 19");
    else if (is_realtime ? priority < 1 || priority > 99 : priority != 0)
        reading.findings.refuse(wanted.place_of("priority"), is_realtime
                                                                 ? "is no number from 1 to 99"
                                                                 : "is not 0, which is all that the policy has");
    else if (has_deadline != (scheduler.runtime != 0))
        reading.findings.refuse(wanted.place_of("runtime"), has_deadline ? "is missing" : "is not of the policy");
    else if (has_deadline && (scheduler.runtime > scheduler.deadline ||
                              (scheduler.period != 0 && scheduler.deadline > scheduler.period)))
        reading.findings.refuse(wanted.place_of("deadline"), "does not lie between runtime and period");
    else
        reading.settings().scheduler = scheduler;
}

// Of programs that are executed later: the specification has it mean nothing for the first one.
void check_affinity_of_later_programs(Fields wanted, BundleReading& reading) {
    for (const char* name : {"initial", "final"})
        if (const auto list = wanted.text(name); list && !list->empty() && !parse_cpu_list(*list))
            reading.findings.refuse(wanted.place_of(name), "is no list of processors");
    wanted.told_all();
}

} // namespace

void read_scheduling(Fields& process, BundleReading& reading) {
    if (auto wanted = process.object("ioPriority"))
        read_io_priority(std::move(*wanted), reading);
    if (auto wanted = process.object("scheduler"))
        read_scheduler(std::move(*wanted), reading);
    if (auto wanted = process.object("execCPUAffinity"))
        check_affinity_of_later_programs(std::move(*wanted), reading);
}

void read_memory_policy(Fields wanted, BundleReading& reading) {
    const auto mode = value_of(memory_modes, wanted.text("mode").value_or(""));
    const std::string nodes = wanted.text("nodes").value_or("");
    const std::uint32_t flags = flags_in(wanted, memory_flags, "is no flag of a memory policy");
    wanted.told_all();
    const auto list = nodes.empty() ? std::vector<int>{} : parse_cpu_list(nodes).value_or(std::vector<int>{});
    const bool takes_none = mode == MPOL_DEFAULT || mode == MPOL_LOCAL;
    if (!mode)
        reading.findings.refuse(wanted.place_of("mode"), "is no mode of a memory policy");
    else if (takes_none ? !nodes.empty() : list.empty() && (!nodes.empty() || mode != MPOL_PREFERRED))
        reading.findings.refuse(wanted.place_of("nodes"),
                                takes_none ? "is there with a mode that takes none" : "is no list of memory nodes");
    else
        reading.settings().memory_policy = MemoryPolicySpec{*mode, flags, list};
}

} // namespace machinist::oci
