// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/set_aside.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "image/succession.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/file_attributes.hpp"
#include "kernel/file_locks.hpp"
#include "kernel/files.hpp"
#include "kernel/random_suffix.hpp"
#include "kernel/syscalls.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

UniqueFd open_to_look(const std::filesystem::path& path) {
    return UniqueFd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
}

} // namespace

std::filesystem::path set_aside(const std::filesystem::path& path) {
    // An immutable directory can be renamed by nobody.
    const UniqueFd entry = open_to_look(path);
    const bool was_immutable = entry && is_immutable(entry) && make_immutable(entry, false);
    const auto aside = path.parent_path() / (set_aside_prefix + random_suffix());
    if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, aside.c_str(), RENAME_NOREPLACE) == 0)
        return aside;
    const int error_number = errno;
    if (was_immutable)
        make_immutable(entry, true);
    throw system_failure("set '" + path.string() + "' aside", error_number);
}

void remove_set_aside(const std::filesystem::path& path) {
    const UniqueFd entry = open_to_look(path);
    // The lock says that it is being removed. A link or device has none, and is gone in one call.
    if (entry && ::flock(entry.get(), LOCK_EX | LOCK_NB) < 0)
        return;
    if (entry && succeed_if_image_came(entry, path))
        return;
    const auto parent = open_path_if_exists(path.parent_path(), O_RDONLY | O_DIRECTORY);
    if (!parent)
        return;
    if (entry && S_ISDIR(status_of(entry).st_mode))
        btrfs::remove_subvolume(*parent, path.filename().string());
    else
        remove_tree(*parent, path.filename().string());
}

void discard(const std::filesystem::path& path) noexcept {
    try {
        remove_set_aside(path);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "'%s' is left over: %s\n", path.c_str(), failure.what());
    }
}

std::vector<std::filesystem::path> set_aside_in(const std::filesystem::path& directory) {
    std::vector<std::filesystem::path> found;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{directory, ignored}) {
        const std::string name = entry.path().filename().string();
        if (!name.starts_with(set_aside_prefix) && !name.starts_with(in_the_making_prefix))
            continue;
        const UniqueFd file = open_to_look(entry.path());
        if (!file || !is_locked(file))
            found.push_back(entry.path());
    }
    return found;
}

std::filesystem::path name_in_the_making(const std::filesystem::path& directory) {
    return directory / (in_the_making_prefix + random_suffix());
}

UniqueFd lock_in_the_making(const std::filesystem::path& path) {
    UniqueFd lock = open_path(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0)
        throw system_failure("lock '" + path.string() + "'");
    return lock;
}

void do_behind(const std::function<void()>& work) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0)
        throw system_failure("start a process to remove what is left");
    if (child > 0)
        return;
    ::setsid();
    // Whoever reads our output waits for its end.
    sys::close_range(0, ~0U, 0);
    const int null = ::open("/dev/null", O_RDWR);
    ::dup2(null, 1);
    ::dup2(null, 2);
    (void)::chdir("/");
    try {
        work();
    } catch (const std::exception&) {
        // Told by nobody here: what is left is found by its name, by `gc`.
        ::_exit(1);
    }
    ::_exit(0);
}

} // namespace machinist
