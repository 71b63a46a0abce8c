// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/payload_stages.hpp"

#include "base/failure.hpp"
#include "kernel/capabilities.hpp"
#include "kernel/files.hpp"
#include "kernel/limits.hpp"
#include "kernel/loopback.hpp"
#include "kernel/mounts.hpp"
#include "kernel/scheduling.hpp"
#include "kernel/seccomp.hpp"
#include "kernel/sockets.hpp"
#include "kernel/syscalls.hpp"
#include "supervisor/guest_network.hpp"
#include "supervisor/handshake.hpp"
#include "supervisor/payload_program.hpp"
#include "supervisor/payload_user.hpp"
#include "supervisor/stage.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::uint64_t propagation_shared = 1UL << 20; // MS_SHARED

void tie_to_supervisor(Payload&) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        throw system_failure("ask to end with the supervisor");
}

void wait_for_the_launcher(Payload& payload) {
    HandshakeMessage message = receive_handshake(payload.handshake, Message::go);
    if (message.descriptors.size() < 4)
        throw Failure{FailureKind::internal, "receive the root and the standard streams"};
    payload.root = std::move(message.descriptors[0]);
    std::move(message.descriptors.begin() + 1, message.descriptors.begin() + 4, payload.streams.begin());
    std::move(message.descriptors.begin() + 4, message.descriptors.end(), std::back_inserter(payload.prepared));
}

// Until now we were nobody in the machine's user namespace; the maps are written by now.
void become_root_of_the_machine(Payload& payload) {
    if (::setresgid(0, 0, 0) < 0 || ::setresuid(0, 0, 0) < 0 || ::setgroups(0, nullptr) < 0)
        throw system_failure("become root of the machine");
    // A change of ids forgets it (PR_SET_PDEATHSIG(2const)), and procfs entries of undumpable processes are not ours.
    tie_to_supervisor(payload);
    ::prctl(PR_SET_DUMPABLE, 1);
}

void enter_own_mounts_and_cgroup(Payload& payload) {
    // The current directory is carried into the copy; a path to it would lead through the host's private directories.
    if (::fchdir(payload.root.get()) < 0)
        throw system_failure("go to the machine's root");
    const bool own_users = payload.spec.users.kind != UserNamespaceKind::none;
    // All that is mounted in the copy becomes locked (mount_namespaces(7)). With the host's users nothing would be, so
    // there the launcher's mount namespace, which it has left to us, will do.
    const int namespaces = (own_users ? CLONE_NEWNS : 0) | (payload.spec.cgroup_namespace ? CLONE_NEWCGROUP : 0);
    if (::unshare(namespaces) < 0)
        throw system_failure("make the machine's mount and cgroup namespaces");
    if (!own_users)
        return;
    // A locked mount cannot become the root; a copy of it can, and what lies in it stays locked.
    const UniqueFd root = open_path(".", O_PATH | O_DIRECTORY);
    payload.root = clone_mount(root, true);
    attach_mount(payload.root, root);
}

void mount_payload_side(Payload& payload) {
    apply_payload_side(payload.mounts, payload.root, std::move(payload.prepared));
}

void enter_the_root(Payload& payload) {
    if (::fchdir(payload.root.get()) < 0)
        throw system_failure("go to the machine's root");
    pivot_to_current_directory();
    payload.root.reset();
    // Container Interface A19: units' own mounts spread from here.
    change_mount_at("/", {.propagation = propagation_shared, .recursive = true});
}

void set_the_names(Payload& payload) {
    if (!payload.spec.shared.uts && ::sethostname(payload.spec.hostname.data(), payload.spec.hostname.size()) < 0)
        throw system_failure("set the host name '" + payload.spec.hostname + "'");
    const std::string& domain = payload.spec.domainname;
    if (!domain.empty() && ::setdomainname(domain.data(), domain.size()) < 0)
        throw system_failure("set the domain name '" + domain + "'");
}

void set_up_the_network(Payload& payload) {
    if (!payload.spec.network.is_private)
        return;
    // A network that was there before belongs to other users, who see to its links.
    if (!payload.spec.network.namespace_path || payload.spec.users.kind == UserNamespaceKind::none)
        bring_loopback_up();
    // Container Interface I7: unprivileged ping, for all groups that exist in here.
    if (payload.spec.users.kind != UserNamespaceKind::none)
        if (const UniqueFd range{::open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC)})
            (void)!::write(range.get(), "0 65535", 7);
    tell_guest_network(payload.spec);
}

// Rule N11: keyring and audit session of the caller stay outside.
void leave_the_callers_session(Payload& payload) {
    constexpr int join_session_keyring = 1; // KEYCTL_JOIN_SESSION_KEYRING
    if (::syscall(SYS_keyctl, join_session_keyring, nullptr) < 0 && errno != ENOSYS && errno != EPERM &&
        errno != EACCES)
        throw system_failure("make a session keyring");
    if (const UniqueFd login{::open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC)})
        (void)!::write(login.get(), "4294967295", 10);
    if (::setsid() < 0 && errno != EPERM)
        throw system_failure("make a session");
    ::umask(static_cast<mode_t>(payload.spec.payload.umask.value_or(0022)));
}

void take_the_streams(Payload& payload) {
    for (int stream = 0; stream < 3; ++stream)
        if (::dup2(payload.streams[static_cast<std::size_t>(stream)].get(), stream) < 0)
            throw system_failure("take the standard streams");
    payload.streams = {};
}

void set_the_personality(Payload& payload) {
    set_personality(payload.spec.personality);
}

void choose_where_its_memory_lies(Payload& payload) {
    if (const auto& policy = payload.spec.resources.memory_policy)
        set_memory_policy(policy->mode | policy->flags, policy->nodes);
}

void load_the_syscall_filter(Payload& payload) {
    if (payload.spec.syscall_filter.enabled)
        load_syscall_filter(payload.syscall_filter);
}

void wait_for_leave_to_execute(Payload& payload) {
    (void)receive_handshake(payload.handshake, Message::execute);
}

void execute_the_payload(Payload& payload) {
    execute_payload(payload);
}

// Order matters: each line may rely on all lines above it.
constexpr std::array payload_stages{
    Stage<Payload>{"tie it to the supervisor", tie_to_supervisor},
    Stage<Payload>{"wait for the launcher", wait_for_the_launcher},
    Stage<Payload>{"become root of the machine", become_root_of_the_machine},
    Stage<Payload>{"enter the machine's mounts and cgroup", enter_own_mounts_and_cgroup},
    Stage<Payload>{"mount the payload's side", mount_payload_side},
    Stage<Payload>{"enter the root", enter_the_root},
    Stage<Payload>{"set the names", set_the_names},
    Stage<Payload>{"set up the network", set_up_the_network},
    Stage<Payload>{"leave the caller's session", leave_the_callers_session},
    Stage<Payload>{"take the streams", take_the_streams},
    Stage<Payload>{"set the personality", set_the_personality},
    Stage<Payload>{"choose where its memory lies", choose_where_its_memory_lies},
    // Meanwhile the launcher has limited and registered us.
    Stage<Payload>{"wait for leave to execute", wait_for_leave_to_execute},
    // From here on: less and less is allowed.
    Stage<Payload>{"load the syscall filter", load_the_syscall_filter},
    Stage<Payload>{"execute the payload", execute_the_payload},
};

} // namespace

void become_payload(Payload& payload) {
    try {
        run_stages<Payload>(payload_stages, payload, "child");
    } catch (const Failure& failure) {
        send_failure(payload.handshake, failure);
    } catch (const std::exception& broken) {
        send_failure(payload.handshake, Failure{FailureKind::internal, broken.what()});
    }
    ::_exit(1);
}

std::vector<std::string> payload_stage_names() {
    std::vector<std::string> names;
    for (const Stage<Payload>& stage : payload_stages)
        names.emplace_back(stage.name);
    return names;
}

} // namespace machinist
