// SPDX-License-Identifier: LGPL-2.1-or-later
// The processes of a cgroup and of all groups below it: list them, signal them, stop them for a while, end them.
#pragma once

#include <filesystem>
#include <functional>
#include <sys/types.h>
#include <vector>

namespace machinist {

// Nothing in it, or in anything below it. A group that is gone is empty.
bool cgroup_is_empty(const std::filesystem::path& group);

struct CgroupProcesses {
    std::filesystem::path group;
    std::vector<pid_t> processes; // ascending
};
// The group itself first, then those below it, by name. Groups that vanish meanwhile are left out.
std::vector<CgroupProcesses> processes_below(const std::filesystem::path& group);

// None of them runs on when this returns. Throws Failure: not_supported where the kernel cannot, timed_out.
void freeze_cgroup(const std::filesystem::path& group);
void thaw_cgroup(const std::filesystem::path& group);
// Somebody has asked for that.
bool is_cgroup_frozen(const std::filesystem::path& group);

// Each process once, also those that appear meanwhile. Returns how many were signalled.
std::size_t signal_cgroup(const std::filesystem::path& group, int signal);
// Every process at once, and none can fork out of it.
void kill_cgroup(const std::filesystem::path& group);

} // namespace machinist
