// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/pseudo_filesystem.hpp"

#include "base/failure.hpp"

#include <array>
#include <linux/magic.h>
#include <string>
#include <sys/vfs.h>

#ifndef BINDERFS_SUPER_MAGIC
#define BINDERFS_SUPER_MAGIC 0x6c6f6f70
#endif

namespace machinist::enter {

namespace {

struct Known {
    decltype(statfs::f_type) type;
    const char* name;
};
constexpr std::array known{Known{PROC_SUPER_MAGIC, "procfs"},      Known{SYSFS_MAGIC, "sysfs"},
                           Known{CGROUP2_SUPER_MAGIC, "cgroupfs"}, Known{CGROUP_SUPER_MAGIC, "cgroupfs"},
                           Known{DEVPTS_SUPER_MAGIC, "devpts"},    Known{SECURITYFS_MAGIC, "securityfs"},
                           Known{SELINUX_MAGIC, "selinuxfs"},      Known{DEBUGFS_MAGIC, "debugfs"},
                           Known{TRACEFS_MAGIC, "tracefs"},        Known{BPF_FS_MAGIC, "bpffs"},
                           Known{PSTOREFS_MAGIC, "pstore"},        Known{EFIVARFS_MAGIC, "efivarfs"},
                           Known{BINFMTFS_MAGIC, "binfmt_misc"},   Known{NSFS_MAGIC, "nsfs"},
                           Known{BINDERFS_SUPER_MAGIC, "binderfs"}};

} // namespace

const char* pseudo_filesystem_of(BorrowedFd file) {
    struct statfs filesystem {};
    if (::fstatfs(file.get(), &filesystem) < 0)
        throw system_failure("look at its filesystem");
    for (const Known& one : known)
        if (filesystem.f_type == one.type)
            return one.name;
    return nullptr;
}

void refuse_pseudo_filesystem(BorrowedFd file) {
    if (const char* name = pseudo_filesystem_of(file))
        throw Failure{FailureKind::not_supported, std::string{"it lies on "} + name};
}

} // namespace machinist::enter
