// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/file_attributes.hpp"

#include "base/failure.hpp"

#include <cerrno>
#include <linux/fs.h>
#include <sys/ioctl.h>

namespace machinist {

bool is_immutable(BorrowedFd file) {
    int flags = 0;
    return ::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) == 0 && (flags & FS_IMMUTABLE_FL) != 0;
}

bool make_immutable(BorrowedFd file, bool immutable) {
    int flags = 0;
    if (::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) < 0) {
        if (errno == ENOTTY || errno == EOPNOTSUPP || errno == ENOSYS)
            throw Failure{FailureKind::not_supported, "make a directory immutable: its filesystem cannot", errno};
        throw system_failure("read the attributes of a directory");
    }
    const int wanted = immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    if (wanted == flags)
        return false;
    if (::ioctl(file.get(), FS_IOC_SETFLAGS, &wanted) < 0) {
        if (errno == ENOTTY || errno == EOPNOTSUPP || errno == ENOSYS)
            throw Failure{FailureKind::not_supported, "make a directory immutable: its filesystem cannot", errno};
        throw system_failure("change the attributes of a directory");
    }
    return true;
}

} // namespace machinist
