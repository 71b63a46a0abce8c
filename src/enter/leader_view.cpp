// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/leader_view.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/cgroup.hpp"
#include "kernel/files.hpp"
#include "kernel/limits.hpp"
#include "kernel/syscalls.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/personality.h>
#include <sys/stat.h>

namespace machinist::enter {

namespace {

struct Namespace {
    const char* name;
    int flag;
};
constexpr Namespace kinds[]{{"user", CLONE_NEWUSER},     {"mnt", CLONE_NEWNS},   {"pid", CLONE_NEWPID},
                            {"uts", CLONE_NEWUTS},       {"ipc", CLONE_NEWIPC},  {"net", CLONE_NEWNET},
                            {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME}};

// Programs that use select(2) break above this, so init systems start them with it whatever they have themselves.
constexpr rlim_t usual_soft_descriptors = 1024;

int namespaces_beyond_ours(const std::string& process) {
    int flags = 0;
    for (const Namespace& kind : kinds) {
        struct stat ours {};
        struct stat theirs {};
        if (::stat((std::string{"/proc/self/ns/"} + kind.name).c_str(), &ours) < 0)
            continue; // the kernel has none of these
        if (::stat((process + "/ns/" + kind.name).c_str(), &theirs) < 0)
            throw system_failure(std::string{"look at its "} + kind.name + " namespace");
        if (ours.st_ino != theirs.st_ino || ours.st_dev != theirs.st_dev)
            flags |= kind.flag;
    }
    return flags;
}

// Where the leader is, since it is a leaf: the machine's top group may have none but sub-groups (no inner processes).
UniqueFd open_cgroup(pid_t pid) {
    try {
        return open_path(cgroup_of(pid), O_RDONLY | O_DIRECTORY);
    } catch (const Failure& failure) {
        if (failure.kind() != FailureKind::not_supported && failure.kind() != FailureKind::not_found)
            throw;
        return {};
    }
}

unsigned long personality_of(const std::string& process) {
    const std::string text = read_file(process + "/personality");
    return parse_integer<unsigned long>(trimmed(text), 16).value_or(0);
}

} // namespace

LeaderView look_at_leader(const Pidfd& leader) {
    const std::string process = "/proc/" + std::to_string(leader.pid());
    LeaderView view;
    try {
        view.namespaces = namespaces_beyond_ours(process);
        view.status = read_process_status(leader.pid());
        view.root = open_path(process + "/root", O_PATH | O_DIRECTORY);
        view.cgroup = open_cgroup(leader.pid());
        view.personality = personality_of(process);
        view.oom_score_adjustment = parse_integer<int>(trimmed(read_file(process + "/oom_score_adj"))).value_or(0);
        for (int resource = 0; resource < RLIM_NLIMITS; ++resource)
            if (::prlimit(leader.pid(), static_cast<__rlimit_resource>(resource), nullptr,
                          &view.limits[static_cast<std::size_t>(resource)]) < 0)
                throw system_failure("read its resource limits");
        if (::sched_getaffinity(leader.pid(), sizeof view.cpus, &view.cpus) < 0)
            throw system_failure("read its CPU affinity");
    } catch (const Failure&) {
        if (leader.alive())
            throw;
    }
    if (!leader.alive())
        throw Failure{FailureKind::not_found, "the machine has ended"};
    rlimit& descriptors = view.limits[RLIMIT_NOFILE];
    descriptors.rlim_cur = std::min(descriptors.rlim_max, usual_soft_descriptors);
    return view;
}

void take_limits_of(const LeaderView& leader) {
    for (int resource = 0; resource < RLIM_NLIMITS; ++resource)
        if (::setrlimit(static_cast<__rlimit_resource>(resource), &leader.limits[static_cast<std::size_t>(resource)]) <
            0)
            throw system_failure("take resource limit " + std::to_string(resource));
    if (::sched_setaffinity(0, sizeof leader.cpus, &leader.cpus) < 0)
        throw system_failure("take the CPU affinity");
    set_oom_score_adjustment(leader.oom_score_adjustment);
    // ADDR_NO_RANDOMIZE and the like are the leader's own business.
    if (::personality(leader.personality & PER_MASK) < 0)
        throw system_failure("take the personality");
}

} // namespace machinist::enter
