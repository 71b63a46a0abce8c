// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/first_process.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "kernel/files.hpp"
#include "kernel/forked.hpp"
#include "kernel/limits.hpp"
#include "kernel/scheduling.hpp"
#include "kernel/sockets.hpp"
#include "kernel/time_namespace.hpp"
#include "supervisor/payload_stages.hpp"

#include <fcntl.h>
#include <optional>
#include <sched.h>
#include <unistd.h>

namespace machinist {

namespace {

std::uint64_t namespace_flags(const MachineSpec& spec) {
    std::uint64_t flags = 0;
    if (!spec.shared.pid)
        flags |= CLONE_NEWPID;
    if (!spec.shared.ipc)
        flags |= CLONE_NEWIPC;
    if (!spec.shared.uts)
        flags |= CLONE_NEWUTS;
    if (spec.users.kind != UserNamespaceKind::none)
        flags |= CLONE_NEWUSER;
    if (spec.network.is_private && !spec.network.namespace_path)
        flags |= CLONE_NEWNET;
    return flags;
}

void join_network(BorrowedFd network) {
    if (::setns(network.get(), CLONE_NEWNET) < 0)
        throw system_failure("join the network namespace");
}

Pidfd cloned(const Start& start) {
    try {
        return fork_held(namespace_flags(start.spec), start.cgroup.payload);
    } catch (Failure& failure) {
        throw std::move(
            failure.try_instead("running it where namespaces may be made ('sysctl user.max_user_namespaces')"));
    }
}

} // namespace

void clone_first_process(Start& start) {
    auto [ours, theirs] = make_message_socket_pair();
    UniqueFd our_network;
    if (start.spec.network.namespace_path) {
        // Joined before there is a user namespace: from inside, a network that is not its own is closed to it.
        our_network = open_path("/proc/self/ns/net", O_RDONLY);
        join_network(open_path(*start.spec.network.namespace_path, O_RDONLY));
    }
    const ScopeExit back{[&] {
        if (our_network && ::setns(our_network.get(), CLONE_NEWNET) < 0)
            std::terminate(); // going on would act on another network as if it were the host's
    }};

    std::optional<ClocksOfChildren> clocks;
    if (const auto& wanted = start.spec.clocks)
        clocks.emplace(ClockShift{wanted->monotonic.seconds, wanted->monotonic.nanoseconds},
                       ClockShift{wanted->boot_time.seconds, wanted->boot_time.nanoseconds});
    // A scope is made with it in it.
    Pidfd leader = cloned(start);
    if (!leader) {
        ours.reset();
        Payload payload{.spec = start.spec,
                        .mounts = start.mounts,
                        .syscall_filter = start.syscall_filter,
                        .syscall_rules = start.syscall_rules,
                        .handshake = std::move(theirs),
                        .listen_fds = start.listen_fds,
                        .root = {},
                        .streams = {},
                        .prepared = {}};
        become_payload(payload);
    }
    start.leader = std::move(leader);
    start.handshake = std::move(ours);
}

void limit_first_process(const Start& start) {
    const pid_t pid = start.leader.pid();
    for (const LimitSpec& limit : start.spec.resources.limits)
        (void)set_closest_limit(limit.resource, {.rlim_cur = limit.soft, .rlim_max = limit.hard}, pid);
    if (start.spec.resources.oom_score_adjust)
        set_oom_score_adjustment(*start.spec.resources.oom_score_adjust, pid);
    if (!start.spec.resources.cpu_affinity.empty())
        set_cpu_affinity(start.spec.resources.cpu_affinity, pid);
    if (const auto& wanted = start.spec.resources.io_priority)
        set_io_priority(wanted->kind, wanted->level, pid);
    if (const auto& wanted = start.spec.resources.scheduler)
        set_scheduler({.policy = wanted->policy,
                       .flags = wanted->flags,
                       .nice = wanted->nice,
                       .priority = wanted->priority,
                       .runtime = wanted->runtime,
                       .deadline = wanted->deadline,
                       .period = wanted->period},
                      pid);
}

void return_to_the_hosts_mounts(Start& start) {
    if (!start.host_mounts)
        return;
    // The composed tree lives on in the payload's copy only.
    start.staging.reset();
    start.root.mount.reset();
    start.host_side.devpts.reset();
    if (::setns(start.host_mounts.get(), CLONE_NEWNS) < 0)
        throw system_failure("return to the host's mount namespace");
    start.host_mounts.reset();
    if (start.working_directory && ::fchdir(start.working_directory.get()) < 0)
        throw system_failure("return to the working directory");
}

} // namespace machinist
