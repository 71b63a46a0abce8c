// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/os_tree.hpp"

#include "base/failure.hpp"
#include "image/directory_entries.hpp"
#include "kernel/files.hpp"
#include "kernel/random_suffix.hpp"

#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t most_entries = 4096;

bool has(BorrowedFd directory, const char* name) {
    struct stat status {};
    return ::fstatat(directory.get(), name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

bool holds_a_system(BorrowedFd directory) {
    return has(directory, "usr") || (has(directory, "bin") && has(directory, "etc"));
}

} // namespace

bool lift_os_tree(BorrowedFd root) {
    const auto names = sorted_entries(root, most_entries);
    if (names.size() != 1 || holds_a_system(root))
        return false;
    const auto below = enter_directory(root, names[0]);
    if (!below || !holds_a_system(*below))
        return false;
    // Out of the way of an entry of its own name.
    const std::string aside = ".#lifted." + random_suffix();
    if (::renameat(root.get(), names[0].c_str(), root.get(), aside.c_str()) < 0)
        throw system_failure("lift the system out of '" + names[0] + "'");
    for (const std::string& name : sorted_entries(*below, most_entries))
        if (::renameat2(below->get(), name.c_str(), root.get(), name.c_str(), RENAME_NOREPLACE) < 0)
            throw system_failure("lift '" + name + "' out of '" + names[0] + "'");
    const struct stat status = status_of(*below);
    if (::unlinkat(root.get(), aside.c_str(), AT_REMOVEDIR) < 0 ||
        ::fchown(root.get(), status.st_uid, status.st_gid) < 0 || ::fchmod(root.get(), status.st_mode & 07777) < 0)
        throw system_failure("lift the system out of '" + names[0] + "'");
    const timespec times[]{status.st_mtim, status.st_mtim};
    (void)::futimens(root.get(), times);
    return true;
}

} // namespace machinist
