// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/host_interface.hpp"

#include "base/failure.hpp"
#include "base/machine_id.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "kernel/user_namespace.hpp"
#include "spec/bound_user_records.hpp"
#include "spec/mount_plan.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 // Linux 6.16
#endif

namespace machinist {

namespace {

void make_file(BorrowedFd directory, const std::string& name, std::string_view text, mode_t mode) {
    const UniqueFd file{::openat(directory.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
    if (!file || ::fchmod(file.get(), mode) < 0)
        throw system_failure("make file '" + name + "'");
    doing("'" + name + "'", [&] { write_all(file, text); });
}

void make_directory(BorrowedFd directory, const char* name, mode_t mode) {
    if (::mkdirat(directory.get(), name, mode) < 0 || ::fchmodat(directory.get(), name, mode, 0) < 0)
        throw system_failure(std::string{"make directory '"} + name + "'");
}

void make_inaccessible_nodes(BorrowedFd directory) {
    make_directory(directory, "inaccessible", 0755);
    const UniqueFd nodes = open_beneath(directory, "inaccessible", O_PATH | O_DIRECTORY, Links::refuse);
    struct Node {
        const char* name;
        mode_t type;
    };
    for (const Node& node : {Node{"reg", S_IFREG}, Node{"fifo", S_IFIFO}, Node{"sock", S_IFSOCK}, Node{"chr", S_IFCHR},
                             Node{"blk", S_IFBLK}})
        if (::mknodat(nodes.get(), node.name, node.type, ::makedev(0, 0)) < 0 &&
            // Inside of a machine nobody makes block devices, so none has to be masked.
            (errno != EPERM || node.type != S_IFBLK || in_initial_user_namespace()))
            throw system_failure(std::string{"make node 'inaccessible/"} + node.name + "'");
    make_directory(nodes, "dir", 0);
    if (::fchmodat(directory.get(), "inaccessible", 0555, 0) < 0)
        throw system_failure("close directory 'inaccessible'");
}

void make_users(BorrowedFd directory, const MachineSpec& spec) {
    if (spec.bound_users.empty())
        return;
    make_directory(directory, "home", 0755);
    make_directory(directory, "userdb", 0755);
    const UniqueFd homes = open_beneath(directory, "home", O_PATH | O_DIRECTORY, Links::refuse);
    const UniqueFd records = open_beneath(directory, "userdb", O_PATH | O_DIRECTORY, Links::refuse);
    const std::uint32_t base = spec.users.kind == UserNamespaceKind::none ? 0 : spec.users.base;
    for (const BoundUser& user : spec.bound_users) {
        make_directory(homes, user.name.c_str(), 0700);
        if (::fchownat(homes.get(), user.name.c_str(), base + user.id, base + user.id, AT_SYMLINK_NOFOLLOW) < 0)
            throw system_failure("give 'home/" + user.name + "' to its user");
        for (const RecordFile& record : records_of(user)) {
            if (!record.is_link)
                make_file(records, record.name, record.text, record.is_secret ? 0600 : 0644);
            else if (::symlinkat(record.text.c_str(), records.get(), record.name.c_str()) < 0)
                throw system_failure("make link 'userdb/" + record.name + "'");
            if (::fchownat(records.get(), record.name.c_str(), base, base, AT_SYMLINK_NOFOLLOW) < 0)
                throw system_failure("give 'userdb/" + record.name + "' to the machine");
        }
    }
}

UniqueFd bind_notify_socket(BorrowedFd directory) {
    UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket)
        throw system_failure("make the notification socket");
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    const std::string path = path_of_descriptor(directory) + "/notify";
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const mode_t mask = ::umask(0577);
    const int bound = ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ::umask(mask);
    if (bound < 0)
        throw system_failure("bind the notification socket");
    const int on = 1;
    const int off = 0;
    // Rule D1: only process 1 is listened to, so each message must say who sent it.
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
        throw system_failure("ask for senders on the notification socket");
    // Without a store above us, descriptors from the payload would only fill our table; older kernels do not know it.
    if (!::getenv("FDSTORE"))
        (void)::setsockopt(socket.get(), SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off);
    return socket;
}

SuperblockOptions owned_by_root_of(const MachineSpec& spec, SuperblockOptions options) {
    if (spec.users.kind != UserNamespaceKind::none) {
        options.emplace_back("uid", std::to_string(spec.users.base));
        options.emplace_back("gid", std::to_string(spec.users.base));
    }
    return options;
}

std::string host_os_release() {
    for (const char* path : {"/etc/os-release", "/usr/lib/os-release"})
        if (auto text = read_file_if_exists(path))
            return *text;
    return "";
}

} // namespace

HostInterfaceMount make_host_interface(const MachineSpec& spec, std::uint64_t attributes) {
    HostInterfaceMount made;
    // Written first, read-only after: the attributes come last.
    made.mount = make_filesystem(
        "tmpfs", {.options = with_api_label(
                      owned_by_root_of(spec, {{"mode", "0755"}, {"size", "1m"}, {"nr_inodes", "1k"}}), spec)});
    const BorrowedFd directory = made.mount;
    make_file(directory, "container-manager", spec.service + "\n", 0444);
    make_file(directory, "container-uuid", spec.id.with_dashes() + "\n", 0444);
    make_file(directory, "os-release", host_os_release(), 0444);
    make_inaccessible_nodes(directory);
    make_file(directory, "proc-sys-kernel-random-boot-id", MachineId::random().with_dashes() + "\n", 0444);
    if (::mkfifoat(directory.get(), "proc-kmsg", 0600) < 0)
        throw system_failure("make fifo 'proc-kmsg'");
    made.kernel_log = UniqueFd{::openat(directory.get(), "proc-kmsg", O_RDWR | O_NONBLOCK | O_CLOEXEC)};
    if (!made.kernel_log)
        throw system_failure("open fifo 'proc-kmsg'");
    make_directory(directory, "unix-export", 0755);
    if (!spec.credentials.empty())
        make_directory(directory, "credentials", 0700);
    make_users(directory, spec);
    if (spec.integration.forwarded_journal)
        make_directory(directory, "journal", 0755);
    if (spec.nesting) {
        // For its root alone: who else is in the machine sees what every machine's users see.
        make_directory(directory, "nesting", 0700);
        const UniqueFd places = open_beneath(directory, "nesting", O_PATH | O_DIRECTORY, Links::refuse);
        make_directory(places, "proc", 0555);
        make_directory(places, "sys", 0555);
    }
    made.notify_socket = bind_notify_socket(directory);
    change_mount(directory, {.set = attributes});
    return made;
}

UniqueFd make_credentials(const MachineSpec& spec, std::uint64_t attributes) {
    // ramfs knows neither limits nor owners as options; sizes were bounded when the request was resolved.
    UniqueFd mount = make_filesystem("ramfs", {.options = with_api_label({{"mode", "0700"}}, spec)});
    // A payload without privileges reads them as somebody else (Container Interface H3).
    const bool readable_by_all = spec.payload.user && *spec.payload.user != "root" && *spec.payload.user != "0";
    for (const Credential& credential : spec.credentials)
        make_file(mount, credential.name, credential.value, readable_by_all ? 0444 : 0400);
    const std::uint32_t owner = spec.users.kind == UserNamespaceKind::none ? 0 : spec.users.base;
    if (::fchownat(mount.get(), "", owner, owner, AT_EMPTY_PATH) < 0 ||
        ::fchmodat(mount.get(), ".", readable_by_all ? 0555 : 0500, 0) < 0)
        throw system_failure("close the directory of credentials");
    change_mount(mount, {.set = attributes});
    return mount;
}

} // namespace machinist
