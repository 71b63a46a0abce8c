// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's journal directory, where the host's journalctl finds it (Container Interface L2).
#include "supervisor/host_integration.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/filesystem_ids.hpp"
#include "kernel/mounts.hpp"
#include "kernel/user_namespace.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr mode_t directory_mode = 0755;

// The host's directory belongs to the host's root; in the machine it must be the machine's root's.
void map_root(BorrowedFd source, BorrowedFd mount, const MachineSpec& spec) {
    if (spec.users.kind == UserNamespaceKind::none)
        return;
    const struct stat owner = status_of(source);
    const UniqueFd mapping =
        make_user_namespace(std::array{IdMap{.inside = owner.st_uid, .outside = spec.users.base, .count = 1}},
                            std::array{IdMap{.inside = owner.st_gid, .outside = spec.users.base, .count = 1}});
    change_mount(mount, {.idmap = mapping});
}

void bind_host_directory(const std::string& path, const MachineSpec& spec, BorrowedFd root) {
    const UniqueFd source = open_path(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    const UniqueFd place = make_directories_beneath(root, path, directory_mode, Links::inside_root);
    const UniqueFd mount = clone_mount(source, false);
    map_root(source, mount, spec);
    change_mount(mount, {.set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC});
    attach_mount(mount, place);
}

void make_host_directory(const std::string& path) {
    // As the host's root: what the machine's user makes there would be the machine's.
    const FilesystemIds host_root{0, 0};
    if (::mkdir(path.c_str(), directory_mode) < 0 && errno != EEXIST)
        throw system_failure("make directory '" + path + "'").try_instead("making '/var/log/journal' first");
}

void point_host_into_tree(const std::string& path, const MachineSpec& spec, BorrowedFd root) {
    (void)make_directories_beneath(root, path, directory_mode, Links::inside_root);
    const FilesystemIds host_root{0, 0};
    const std::string target = spec.root.directory.string() + path;
    if (::symlink(target.c_str(), path.c_str()) == 0)
        return;
    if (errno != EEXIST)
        throw system_failure("make link '" + path + "'").try_instead("making '/var/log/journal' first");
    std::string found(target.size() + 1, '\0');
    const ssize_t length = ::readlink(path.c_str(), found.data(), found.size());
    if (length != static_cast<ssize_t>(target.size()) || !found.starts_with(target))
        throw Failure{FailureKind::already_exists, "link '" + path + "' to the machine's journal: it exists already"};
}

} // namespace

void link_journal(const MachineSpec& spec, BorrowedFd root) {
    const std::string path = "/var/log/journal/" + spec.id.plain();
    struct stat status {};
    switch (spec.integration.link_journal) {
    case LinkJournalMode::no: return;
    case LinkJournalMode::automatic:
        if (::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
            bind_host_directory(path, spec, root);
        return;
    case LinkJournalMode::host: make_host_directory(path); return bind_host_directory(path, spec, root);
    case LinkJournalMode::guest: return point_host_into_tree(path, spec, root);
    }
}

} // namespace machinist
