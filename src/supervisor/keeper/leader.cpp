// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/leader.hpp"

#include "kernel/syscalls.hpp"
#include "supervisor/keeper/cgroup.hpp"
#include "supervisor/keeper/clock.hpp"
#include "supervisor/keeper/text.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>

namespace machinist::keeper {

namespace {

constexpr long pidfs_magic = 0x50494446;
constexpr Milliseconds patience_with_killed = 10000;

// The inode number of a pidfd means one process only where pidfs gives it (Linux 6.9).
bool has_inode(BorrowedFd pidfd, std::uint64_t inode) {
    struct statfs filesystem {};
    struct stat status {};
    return ::fstatfs(pidfd.get(), &filesystem) == 0 && filesystem.f_type == pidfs_magic &&
           ::fstat(pidfd.get(), &status) == 0 && status.st_ino == inode;
}

// Field 22 of /proc/PID/stat, counted behind the command's name, which may hold anything.
bool started_at(std::uint64_t pid, std::uint64_t time) {
    Text<40> path;
    path << "/proc/" << pid << "/stat";
    const UniqueFd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    char text[1024];
    const ssize_t size = file ? ::read(file.get(), text, sizeof text) : 0;
    std::string_view fields{text, size > 0 ? static_cast<std::size_t>(size) : 0};
    const std::size_t name_end = fields.rfind(')');
    if (name_end == std::string_view::npos || fields.size() < name_end + 2)
        return false;
    fields.remove_prefix(name_end + 2);
    for (int field = 3; field < 22; ++field)
        take_until(fields, ' ');
    std::uint64_t start = 0;
    return parse_number(take_until(fields, ' '), start) && start == time;
}

} // namespace

void Leader::send(int signal) const {
    sys::pidfd_send_signal(pidfd_.get(), signal);
}

void Leader::kill_all(BorrowedFd cgroup) const {
    if (cgroup)
        kill_cgroup(cgroup);
    send(SIGKILL);
}

bool Leader::reap() {
    while (!ended_) {
        siginfo_t one{};
        // Looked at first: which one it is decides whether its status counts.
        if (::waitid(P_ALL, 0, &one, WEXITED | WNOHANG | WNOWAIT) < 0) {
            ended_ = errno == ECHILD;
            break;
        }
        if (one.si_pid == 0)
            break;
        ::waitid(P_PID, static_cast<id_t>(one.si_pid), &one, WEXITED | WNOHANG);
        if (one.si_pid == pid_) {
            status_ = one;
            ended_ = true;
        }
    }
    return ended_;
}

bool end_recorded_leader(std::string_view record) {
    std::string_view rest = take_until(record, '\n');
    std::uint64_t pid = 0;
    std::uint64_t inode = 0;
    std::uint64_t start_time = 0;
    if (!parse_number(take_until(rest, ' '), pid) || pid <= 1 || !parse_number(take_until(rest, ' '), inode))
        return true;
    const bool has_time = parse_number(take_until(rest, ' '), start_time);
    const UniqueFd pidfd{sys::pidfd_open(static_cast<pid_t>(pid), 0)};
    if (!pidfd)
        return errno == ESRCH || errno == EINVAL;
    const bool is_it = inode != 0 ? has_inode(pidfd, inode) : has_time && started_at(pid, start_time);
    if (!is_it)
        return true;
    sys::pidfd_send_signal(pidfd.get(), SIGKILL);
    pollfd end{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&end, 1, static_cast<int>(patience_with_killed)) > 0;
}

} // namespace machinist::keeper
