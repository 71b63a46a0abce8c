// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/file_contents.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <cerrno>
#include <linux/fs.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace machinist::enter {

namespace {

constexpr std::size_t piece = std::size_t{1} << 17;
constexpr std::size_t largest_attribute = 65536; // XATTR_SIZE_MAX

// copy_file_range(2) cannot be used between some filesystems, and lies about files of procfs: then by hand.
void copy_range(BorrowedFd from, BorrowedFd into, off_t start, off_t end) {
    if (::lseek(into.get(), start, SEEK_SET) < 0)
        throw system_failure("go on in the copy");
    off_t at = start;
    while (at < end) {
        const ssize_t count = ::copy_file_range(from.get(), &at, into.get(), nullptr,
                                                static_cast<std::size_t>(std::min<off_t>(end - at, 1 << 30)), 0);
        if (count <= 0)
            break;
    }
    std::string buffer(at < end ? piece : 0, '\0');
    while (at < end) {
        const ssize_t count =
            ::pread(from.get(), buffer.data(), std::min(buffer.size(), static_cast<std::size_t>(end - at)), at);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            throw system_failure("read");
        if (count == 0)
            return;
        write_all(into, {buffer.data(), static_cast<std::size_t>(count)});
        at += count;
    }
}

} // namespace

void copy_contents(BorrowedFd from, BorrowedFd into, off_t size) {
    if (size > 0 && ::ioctl(into.get(), FICLONE, from.get()) == 0)
        return;
    for (off_t at = 0; at < size;) {
        off_t start = ::lseek(from.get(), at, SEEK_DATA);
        if (start < 0 && errno == ENXIO)
            break; // the rest is a hole
        off_t end = start < 0 ? size : ::lseek(from.get(), start, SEEK_HOLE);
        if (start < 0)
            start = at; // it cannot tell
        if (end < 0)
            end = size;
        // What is no progress is a filesystem that means harm.
        if (start < at || end <= start)
            throw Failure{FailureKind::hostile, "its filesystem tells nonsense about its holes"};
        copy_range(from, into, start, std::min(end, size));
        at = end;
    }
    // A hole at the end is no data, but counts. Files of pseudo filesystems say that they are empty.
    if (::ftruncate(into.get(), std::max<off_t>(size, ::lseek(into.get(), 0, SEEK_END))) < 0)
        throw system_failure("give the copy its size");
}

void copy_user_attributes(BorrowedFd from, BorrowedFd into) {
    std::string names(largest_attribute, '\0');
    const ssize_t length = ::flistxattr(from.get(), names.data(), names.size());
    if (length <= 0)
        return;
    names.resize(static_cast<std::size_t>(length));
    std::string value(largest_attribute, '\0');
    for (const std::string_view name : split(names, '\0')) {
        if (!name.starts_with("user."))
            continue;
        const std::string key{name};
        const ssize_t size = ::fgetxattr(from.get(), key.c_str(), value.data(), value.size());
        if (size >= 0 && ::fsetxattr(into.get(), key.c_str(), value.data(), static_cast<std::size_t>(size), 0) < 0 &&
            errno != EOPNOTSUPP && errno != ENOSPC && errno != EDQUOT && errno != EPERM)
            throw system_failure("set attribute '" + escaped_for_people(key) + "'");
    }
}

} // namespace machinist::enter
