// SPDX-License-Identifier: LGPL-2.1-or-later
// `--undo`: a run directory whose supervisor is gone, or whose start failed half way.
#include "kernel/syscalls.hpp"
#include "supervisor/keeper/ending.hpp"
#include "supervisor/keeper/leader.hpp"
#include "supervisor/keeper/report.hpp"

#include <cerrno>
#include <fcntl.h>
#include <span>
#include <sys/file.h>
#include <sys/stat.h>

namespace machinist::keeper {

namespace {

// Nothing where the file is missing: the start did not come that far.
std::string_view read_small(BorrowedFd directory, const char* name, std::span<char> room) {
    const UniqueFd file{::openat(directory.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    std::size_t length = 0;
    while (file && length < room.size()) {
        const ssize_t count = ::read(file.get(), room.data() + length, room.size() - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        length += static_cast<std::size_t>(count);
    }
    return {room.data(), length};
}

enum class Claim { ours, held, gone, failed };

Claim claim(const char* path, RunDirectory& run) {
    run.directory = UniqueFd{::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!run.directory)
        return errno == ENOENT ? Claim::gone : Claim::failed;
    // Made if missing: two who undo the same remnant must not meet in it.
    run.lock =
        UniqueFd{::openat(run.directory.get(), "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600)};
    if (!run.lock)
        return errno == ENOENT ? Claim::gone : Claim::failed;
    if (::flock(run.lock.get(), LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? Claim::held : Claim::failed;
    struct stat status {};
    // Its former holder removed it between our two steps.
    return ::fstat(run.lock.get(), &status) == 0 && status.st_nlink == 0 ? Claim::gone : Claim::ours;
}

} // namespace

int undo_remnant(const char* path) {
    RunDirectory run;
    run.path = path;
    switch (claim(path, run)) {
    case Claim::gone: return 0;
    case Claim::held: complain("it is still kept: the lock is held in", path); return status_held;
    case Claim::failed: complain("take the lock of run directory", path, errno); return 1;
    case Claim::ours: break;
    }
    char recorded[128];
    if (!end_recorded_leader(read_small(run.directory, "leader", recorded))) {
        complain("process 1 does not end, recorded in", path);
        return 1;
    }
    char undo_lines[8192];
    run.undo = read_small(run.directory, "undo", undo_lines);
    return end_run_directory(std::move(run), std::nullopt, Patience::wait) ? 0 : 1;
}

} // namespace machinist::keeper
