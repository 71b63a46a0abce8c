// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/pidfd.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"
#include "kernel/syscalls.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/vfs.h>

namespace machinist {

std::optional<Pidfd> Pidfd::open(pid_t pid) {
    UniqueFd descriptor{sys::pidfd_open(pid, 0)};
    if (descriptor)
        return Pidfd{std::move(descriptor), pid};
    if (errno == ESRCH || errno == EINVAL)
        return std::nullopt;
    throw system_failure("hold process " + std::to_string(pid));
}

std::optional<Pidfd> Pidfd::adopt(UniqueFd descriptor) {
    constexpr std::string_view key = "Pid:";
    const auto information = read_file_if_exists("/proc/self/fdinfo/" + std::to_string(descriptor.get()));
    if (!information)
        return std::nullopt;
    for (const std::string_view line : split(*information, '\n')) {
        if (!line.starts_with(key))
            continue;
        const auto pid = parse_integer<pid_t>(trimmed(line.substr(key.size())));
        if (!pid || *pid <= 0)
            return std::nullopt;
        return Pidfd{std::move(descriptor), *pid};
    }
    return std::nullopt;
}

bool Pidfd::alive() const {
    return !wait_for_end(0);
}

bool Pidfd::send_signal(int signal) const {
    if (sys::pidfd_send_signal(descriptor_.get(), signal) == 0)
        return true;
    if (errno == ESRCH)
        return false;
    throw system_failure("send signal " + std::to_string(signal) + " to process " + std::to_string(pid_));
}

bool Pidfd::wait_for_end(int milliseconds) const {
    pollfd ready{.fd = descriptor_.get(), .events = POLLIN, .revents = 0};
    int count = 0;
    do
        count = ::poll(&ready, 1, milliseconds);
    while (count < 0 && errno == EINTR);
    return count > 0;
}

std::uint64_t Pidfd::inode() const {
    constexpr long pidfs_magic = 0x50494446; // "PIDF", include/uapi/linux/magic.h of Linux 6.9
    struct statfs filesystem {};
    if (::fstatfs(descriptor_.get(), &filesystem) < 0 || filesystem.f_type != pidfs_magic)
        return 0;
    return status_of(descriptor_).st_ino;
}

} // namespace machinist
