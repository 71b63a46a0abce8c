// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/machine_terminal.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/pty.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

namespace machinist::enter {

UniqueFd open_master_in_machine(BorrowedFd root) {
    const UniqueFd devpts = open_beneath(root, "dev/pts", O_RDONLY | O_DIRECTORY, Links::refuse);
    struct statfs filesystem {};
    if (::fstatfs(devpts.get(), &filesystem) < 0 || filesystem.f_type != DEVPTS_SUPER_MAGIC)
        throw Failure{FailureKind::hostile, "'/dev/pts' of the machine is no devpts"};
    UniqueFd master = open_pty_master(devpts);
    const struct stat status = status_of(master);
    if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(5, 2))
        throw Failure{FailureKind::hostile, "'/dev/pts/ptmx' of the machine is something else"};
    return master;
}

} // namespace machinist::enter
