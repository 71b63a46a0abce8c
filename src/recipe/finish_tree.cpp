// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recipe/finish_tree.hpp"

#include "base/failure.hpp"
#include "image/directory_entries.hpp"
#include "kernel/files.hpp"

#include <array>
#include <fcntl.h>
#include <fnmatch.h>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t most_entries = 5'000'000;
constexpr int deepest = 100;

struct Foreign {
    const char* directory;
    const char* names; // a pattern of fnmatch(3)
};
// Of a directory that matches all goes that is below it.
constexpr std::array foreign{Foreign{"etc", "hostname"}, // the host's, for the making only
                             Foreign{"etc", "resolv.conf"},
                             Foreign{"etc/apt/apt.conf.d", "99mmdebstrap"},
                             Foreign{"etc/ssh", "ssh_host_*"},
                             Foreign{"var/lib/dbus", "machine-id"},
                             Foreign{"var/lib/systemd", "random-seed"},
                             Foreign{"var/lib/systemd", "credential.secret"},
                             Foreign{"var/lib/urandom", "random-seed"},
                             Foreign{"var/lib/apt/lists", "*_*"},
                             Foreign{"var/lib/apt", "extended_states.*"},
                             Foreign{"var/lib/dpkg", "*-old"},
                             Foreign{"var/cache/apt", "*.bin"},
                             Foreign{"var/cache/apt/archives", "*.deb"},
                             Foreign{"var/cache/ldconfig", "aux-cache"},
                             Foreign{"var/cache/debconf", "*-old"},
                             Foreign{"var/log", "*.log"},
                             Foreign{"var/log/apt", "*"},
                             Foreign{"tmp", "*"},
                             Foreign{"var/tmp", "*"},
                             Foreign{"root", ".bash_history"}};
// Programs want these to be there.
constexpr std::array emptied{Foreign{"var/log", "btmp"}, Foreign{"var/log", "wtmp"}, Foreign{"var/log", "lastlog"},
                             Foreign{"var/log", "faillog"}, Foreign{"etc", "machine-id"}};

std::optional<UniqueFd> directory_in(BorrowedFd tree, const char* path) {
    try {
        return open_beneath_if_exists(tree, path, O_RDONLY | O_DIRECTORY, Links::refuse);
    } catch (const Failure& failure) {
        // Elsewhere by a link: then it is nothing that the making wrote.
        if (failure.kind() == FailureKind::hostile)
            return std::nullopt;
        throw;
    }
}

template <typename Each>
void for_each_match(BorrowedFd tree, const Foreign& place, Each&& each) {
    const auto directory = directory_in(tree, place.directory);
    if (!directory)
        return;
    for (const std::string& name : sorted_entries(*directory, most_entries))
        if (::fnmatch(place.names, name.c_str(), 0) == 0)
            each(*directory, name);
}

void make_empty(BorrowedFd directory, const std::string& name) {
    const UniqueFd file{
        ::openat(directory.get(), name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (file && S_ISREG(status_of(file).st_mode) && ::ftruncate(file.get(), 0) < 0)
        throw system_failure("empty '" + name + "'");
}

void limit_times(BorrowedFd directory, std::int64_t epoch, int depth) {
    if (depth > deepest)
        throw Failure{FailureKind::hostile, "look at the times of the tree: it is deeper than any system"};
    for (const std::string& name : sorted_entries(directory, most_entries)) {
        struct stat status {};
        if (::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0)
            throw system_failure("look at '" + name + "'");
        if (S_ISDIR(status.st_mode))
            if (const auto below = enter_directory(directory, name))
                limit_times(*below, epoch, depth + 1);
        if (status.st_mtim.tv_sec < epoch)
            continue;
        const timespec time{.tv_sec = epoch, .tv_nsec = 0};
        const timespec times[]{time, time};
        if (::utimensat(directory.get(), name.c_str(), times, AT_SYMLINK_NOFOLLOW) < 0)
            throw system_failure("set the time of '" + name + "'");
    }
}

} // namespace

void remove_what_is_not_its_own(BorrowedFd tree) {
    for (const Foreign& place : foreign)
        for_each_match(tree, place,
                       [](BorrowedFd directory, const std::string& name) { remove_tree(directory, name); });
    for (const Foreign& place : emptied)
        for_each_match(tree, place, make_empty);
}

void make_no_younger_than(BorrowedFd tree, std::int64_t epoch) {
    limit_times(tree, epoch, 0);
    const timespec time{.tv_sec = epoch, .tv_nsec = 0};
    const timespec times[]{time, time};
    if (::futimens(tree.get(), times) < 0)
        throw system_failure("set the time of the tree");
}

} // namespace machinist
