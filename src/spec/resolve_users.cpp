// SPDX-License-Identifier: LGPL-2.1-or-later
// Resolving the namespaces: users, and those that may be shared with the host.
#include "spec/resolving.hpp"

#include "base/text.hpp"

namespace machinist::resolving {

namespace {

// All users of a host share some 28000 ranges.
constexpr std::uint32_t most_delegated_to_plain_users = 4;

// What it stands on is a directory that its user can give, and nothing of the host's.
void owner(Resolving& r, std::uint32_t uid) {
    const std::string option = "--managed-by";
    const auto refuse = [&](const std::string& what, const std::string& remedy) {
        r.problem(option, "a machine of a user without rights over machines " + what, remedy);
    };
    if (r.spec.users.kind != UserNamespaceKind::managed)
        return refuse("has users that are chosen for it", "--private-users=managed");
    if (!r.request.directory || r.request.make_from || r.image.disk || r.image.directory.extension() == ".mstack")
        refuse("stands on a directory", "--directory=PATH");
    if (r.spec.root.layer != LayerKind::none && r.spec.root.layer != LayerKind::tmpfs)
        refuse("has its layer in memory", "--ephemeral without --layer, or --layer=tmpfs");
    if (r.spec.users.ownership != Ownership::automatic)
        refuse("has owners as its directory has them", "leaving --private-users-ownership out");
    if (!r.spec.extra_mounts.empty())
        refuse("has no mounts of the host's", "leaving --bind and the like out");
    if (r.spec.users.nested_ranges > most_delegated_to_plain_users)
        refuse("has at most " + std::to_string(most_delegated_to_plain_users) + " ranges more",
               "--private-users-delegate=" + std::to_string(most_delegated_to_plain_users));
    r.spec.users.owner = PlainUser{.uid = uid, .gid = r.host.group_of_owner};
}

} // namespace

void users(Resolving& r) {
    UserSpec& users = r.spec.users;
    const UserNamespaceSettings written = r.settings.users.value_or(UserNamespaceSettings{});
    users.kind = written.kind.value_or(r.nspawn_manner() ? UserNamespaceKind::none : UserNamespaceKind::pick);
    users.base = written.base;
    users.size = written.size;
    const bool picks = users.kind == UserNamespaceKind::pick || users.kind == UserNamespaceKind::managed;
    users.ownership = written.ownership.value_or(picks ? Ownership::automatic : Ownership::off);
    if (users.ownership == Ownership::chown && r.spec.root.read_only)
        r.problem("--private-users-ownership",
                  "--private-users-ownership=chown would write to a tree that is read-only or volatile",
                  "--private-users-ownership=map");
    const bool base_is_explicit = users.kind == UserNamespaceKind::fixed && users.ownership == Ownership::off;
    if (users.kind != UserNamespaceKind::none && r.has_root_mount() && !base_is_explicit)
        r.problem("--private-users", "a mount on '/' cannot be given to users that are not known yet",
                  "--private-users=no, or --private-users=BASE --private-users-ownership=off");
    users.nested_ranges = written.delegated;
    if (written.delegated > 0 && users.kind != UserNamespaceKind::managed)
        r.problem("--private-users-delegate", "--private-users-delegate is for users that are chosen for one start",
                  "--private-users=managed");
    if (written.owner)
        owner(r, *written.owner);
}

namespace {

void api_filesystems(Resolving& r) {
    const std::string name = "SYSTEMD_NSPAWN_API_VFS_WRITABLE";
    const auto text = r.environment(name);
    if (text == "network")
        r.spec.api_writable = ApiWritable::network;
    else if (r.environment_flag(name, false))
        r.spec.api_writable = ApiWritable::yes;
    if (r.spec.api_writable == ApiWritable::yes && r.spec.users.kind != UserNamespaceKind::none)
        r.problem(name, name + "=yes and a user namespace exclude each other", "--private-users=no");
    if (r.spec.api_writable == ApiWritable::network && !r.spec.network.is_private)
        r.problem(name, name + "=network needs a network that is not the host's", "--private-network");
}

} // namespace

void namespaces(Resolving& r) {
    api_filesystems(r);
    const BundleSettings written = r.settings.bundle.value_or(BundleSettings{});
    r.spec.clocks = written.clocks;
    r.spec.cgroup_namespace = r.environment_flag("SYSTEMD_NSPAWN_USE_CGNS", written.cgroup_namespace);
    const bool all = r.environment_flag("SYSTEMD_NSPAWN_SHARE_SYSTEM", false);
    r.spec.shared.ipc = r.environment_flag("SYSTEMD_NSPAWN_SHARE_NS_IPC", all || written.shared.ipc);
    r.spec.shared.pid = r.environment_flag("SYSTEMD_NSPAWN_SHARE_NS_PID", all || written.shared.pid);
    r.spec.shared.uts = r.environment_flag("SYSTEMD_NSPAWN_SHARE_NS_UTS", all || written.shared.uts);
    // The kernel lets only the users of a process namespace mount what shows its processes.
    if (r.spec.shared.pid && r.spec.users.kind != UserNamespaceKind::none)
        r.problem("SYSTEMD_NSPAWN_SHARE_NS_PID", "the host's processes and a user namespace exclude each other",
                  "--private-users=no");
    const bool has_init = r.boots() || r.spec.payload.mode == StartMode::as_pid2;
    if (has_init && (r.spec.shared.pid || r.spec.shared.uts))
        r.problem(r.boots() ? "--boot" : "--as-pid2",
                  std::string{r.boots() ? "--boot" : "--as-pid2"} +
                      " needs process and host name namespaces that are not the host's",
                  "unsetting SYSTEMD_NSPAWN_SHARE_SYSTEM, SYSTEMD_NSPAWN_SHARE_NS_PID and SYSTEMD_NSPAWN_SHARE_NS_UTS");
}

} // namespace machinist::resolving
