// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/cgroup.hpp"

#include "supervisor/keeper/directory_entries.hpp"
#include "supervisor/keeper/text.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

namespace machinist::keeper {

namespace {

constexpr Milliseconds patience = 5000;

bool is_same_directory(BorrowedFd one, const struct stat& other) {
    struct stat status {};
    return ::fstat(one.get(), &status) < 0 || (status.st_ino == other.st_ino && status.st_dev == other.st_dev);
}

UniqueFd open_directory(BorrowedFd parent, const char* name) {
    return UniqueFd{::openat(parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

// A sub-group of which nothing is left but itself goes; the first one that has sub-groups is opened.
UniqueFd first_nested(BorrowedFd directory, bool& blocked) {
    DirectoryEntries entries{directory};
    while (const dirent64* entry = entries.next()) {
        if (entry->d_type != DT_DIR || ::unlinkat(directory.get(), entry->d_name, AT_REMOVEDIR) == 0)
            continue;
        UniqueFd nested = open_directory(directory, entry->d_name);
        struct stat status {};
        // A group's links are its sub-groups and two; busy without any is not for us to wait out here.
        if (nested && ::fstat(nested.get(), &status) == 0 && status.st_nlink > 2)
            return nested;
        blocked = blocked || nested;
    }
    return {};
}

// Constant in descriptors and stack, however deep the machine nested its groups.
bool remove_below(BorrowedFd directory, Milliseconds until) {
    struct stat top {};
    UniqueFd current{::fcntl(directory.get(), F_DUPFD_CLOEXEC, 3)};
    if (!current || ::fstat(directory.get(), &top) < 0)
        return false;
    bool blocked = false;
    while (now() < until) {
        if (UniqueFd nested = first_nested(current, blocked)) {
            current = std::move(nested);
            continue;
        }
        if (blocked || is_same_directory(current, top))
            return !blocked;
        current = open_directory(current, "..");
        if (!current)
            return false;
    }
    return false;
}

void disable_controllers(BorrowedFd directory) {
    const UniqueFd file{::openat(directory.get(), "cgroup.subtree_control", O_RDWR | O_CLOEXEC)};
    char list[512];
    const ssize_t size = file ? ::read(file.get(), list, sizeof list) : 0;
    std::string_view rest{list, size > 0 ? static_cast<std::size_t>(size) : 0};
    while (!rest.empty()) {
        std::string_view words = take_until(rest, '\n');
        while (!words.empty()) {
            Text<64> order;
            order << '-' << take_until(words, ' ');
            if (order.view().size() > 1 && ::pwrite(file.get(), order.c_str(), order.view().size(), 0) < 0)
                return;
        }
    }
}

} // namespace

bool kill_cgroup(BorrowedFd directory) {
    const UniqueFd file{::openat(directory.get(), "cgroup.kill", O_WRONLY | O_CLOEXEC)};
    return file && ::write(file.get(), "1", 1) == 1;
}

void thaw_cgroup(BorrowedFd directory) {
    const UniqueFd file{::openat(directory.get(), "cgroup.freeze", O_WRONLY | O_CLOEXEC)};
    // A kernel without it has frozen nothing.
    if (file && ::write(file.get(), "0", 1) < 0)
        return;
}

bool wait_until_cgroup_is_empty(BorrowedFd directory, Milliseconds until) {
    const UniqueFd events{::openat(directory.get(), "cgroup.events", O_RDONLY | O_CLOEXEC)};
    if (!events)
        return false;
    for (;;) {
        char text[256];
        const ssize_t size = ::pread(events.get(), text, sizeof text, 0);
        if (size < 0)
            return errno == ENODEV; // removed by somebody else
        if (std::string_view{text, static_cast<std::size_t>(size)}.find("populated 0") != std::string_view::npos)
            return true;
        pollfd change{.fd = events.get(), .events = POLLPRI, .revents = 0};
        if (::poll(&change, 1, timeout_until(until)) == 0)
            return false;
    }
}

bool reset_cgroup(BorrowedFd directory) {
    const Milliseconds until = now() + patience;
    kill_cgroup(directory);
    const bool removed = wait_until_cgroup_is_empty(directory, until) && remove_below(directory, until);
    disable_controllers(directory);
    return removed;
}

bool remove_cgroup(const char* path) {
    // Nearly always empty by now.
    if (::rmdir(path) == 0 || errno == ENOENT)
        return true;
    if (errno != EBUSY && errno != ENOTEMPTY)
        return false;
    {
        const UniqueFd directory{::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        if (!directory)
            return errno == ENOENT;
        const Milliseconds until = now() + patience;
        kill_cgroup(directory);
        wait_until_cgroup_is_empty(directory, until);
        remove_below(directory, until);
    }
    return ::rmdir(path) == 0 || errno == ENOENT;
}

} // namespace machinist::keeper
