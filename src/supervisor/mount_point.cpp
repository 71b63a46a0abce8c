// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/mount_point.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr mode_t directory_mode = 0755;

// Links have no business in the way to an API filesystem; the administrator's destinations are as the machine sees
// them.
Links links_for(const MountStep& step) {
    return std::holds_alternative<Extra>(step.action) ? Links::inside_root : Links::refuse;
}

UniqueFd make_file(const Path& path, BorrowedFd root, Links links) {
    const UniqueFd parent = make_directories_beneath(root, path.parent_path(), directory_mode, links);
    const UniqueFd made{
        ::openat(parent.get(), path.filename().c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
    if (!made)
        throw system_failure("make mount point '" + path.string() + "'");
    return open_beneath(root, path, O_PATH, links);
}

UniqueFd make_mount_point(const MountStep& step, BorrowedFd root, MountPointKind kind) {
    try {
        return kind == MountPointKind::directory
                   ? make_directories_beneath(root, step.target, directory_mode, links_for(step))
                   : make_file(step.target, root, links_for(step));
    } catch (Failure& failure) {
        if (failure.error_number() == EROFS)
            failure.try_instead("making '" + step.target.string() + "' in the image first, which is read-only here");
        throw;
    }
}

} // namespace

std::optional<UniqueFd> open_mount_point(const MountStep& step, BorrowedFd root, MountPointKind kind) {
    auto place = open_beneath_if_exists(root, step.target, O_PATH, links_for(step));
    if (!place) {
        if (step.when_missing == WhenMissing::skip)
            return std::nullopt;
        if (step.when_missing == WhenMissing::fail)
            throw Failure{FailureKind::not_found, "'" + step.target.string() + "' does not exist in the machine"};
        return make_mount_point(step, root, kind);
    }
    const bool is_directory = S_ISDIR(status_of(*place).st_mode);
    if (is_directory != (kind == MountPointKind::directory))
        throw Failure{std::holds_alternative<Extra>(step.action) ? FailureKind::invalid : FailureKind::hostile,
                      "'" + step.target.string() + "' in the machine is " + (is_directory ? "" : "not ") +
                          "a directory, what is mounted there is " + (is_directory ? "not" : "one")};
    return place;
}

bool is_mount_point(BorrowedFd place) {
    struct statx status {};
    if (::statx(place.get(), "", AT_EMPTY_PATH, 0, &status) < 0)
        throw system_failure("look at a mount point");
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

} // namespace machinist
