// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/file_copy.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "image/set_aside.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

void copy_range(BorrowedFd from, BorrowedFd to, off_t begin, off_t end) {
    char buffer[65536];
    bool in_kernel = true;
    while (begin < end) {
        const auto left = static_cast<std::size_t>(end - begin);
        ssize_t count = 0;
        if (in_kernel) {
            off_t source = begin;
            off_t target = begin;
            count = ::copy_file_range(from.get(), &source, to.get(), &target, left, 0);
            if (count < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) {
                in_kernel = false;
                continue;
            }
        } else {
            count = ::pread(from.get(), buffer, std::min(left, sizeof buffer), begin);
            if (count > 0)
                count = ::pwrite(to.get(), buffer, static_cast<std::size_t>(count), begin);
        }
        if (count < 0)
            throw system_failure("copy");
        if (count == 0)
            return; // it became shorter meanwhile
        begin += count;
    }
}

// Holes stay holes.
void copy_data(BorrowedFd from, BorrowedFd to, off_t size) {
    if (::ftruncate(to.get(), size) < 0)
        throw system_failure("make room");
    for (off_t at = 0; at < size;) {
        const off_t data = ::lseek(from.get(), at, SEEK_DATA);
        if (data < 0 && errno == ENXIO)
            return;
        const off_t begin = data < 0 ? at : data;
        const off_t hole = data < 0 ? size : ::lseek(from.get(), begin, SEEK_HOLE);
        const off_t end = hole < 0 ? size : hole;
        copy_range(from, to, begin, end);
        at = end;
    }
}

} // namespace

LayerKind copy_file_whole(const std::filesystem::path& from, const std::filesystem::path& to) {
    return doing("copy '" + from.string() + "' to '" + to.string() + "'", [&] {
        const UniqueFd source = open_path(from, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        const struct stat status = status_of(source);
        if (!S_ISREG(status.st_mode))
            throw Failure{FailureKind::not_supported, "it is no regular file"};
        const auto temporary = name_in_the_making(to.parent_path());
        const UniqueFd target = open_path(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        const ScopeExit remove_temporary{[&] { ::unlink(temporary.c_str()); }};
        const UniqueFd lock = lock_in_the_making(temporary);
        const bool shared = ::ioctl(target.get(), FICLONE, source.get()) == 0;
        if (!shared)
            copy_data(source, target, status.st_size);
        if (::fchmod(target.get(), (status.st_mode & 0777) | 0200) < 0 || ::fdatasync(target.get()) < 0)
            throw system_failure("write '" + temporary.string() + "'");
        // Unlike rename(2), this never takes the place of another.
        if (::link(temporary.c_str(), to.c_str()) < 0)
            throw system_failure("make '" + to.string() + "'");
        return shared ? LayerKind::reflink : LayerKind::copy;
    });
}

} // namespace machinist
