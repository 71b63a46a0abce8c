// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/init_detection.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <array>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace machinist {

namespace {

constexpr std::array<const char*, 3> candidates{"/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init"};

// Told by what the end of the links is called.
constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kinds_by_name{{
    {"systemd", "systemd"},
    {"busybox", "busybox"},
    {"busybox.static", "busybox"},
    {"toybox", "busybox"},
    {"runit-init", "runit"},
    {"runit", "runit"},
    {"openrc-init", "openrc"},
    {"s6-linux-init", "s6"},
    {"s6-svscan", "s6"},
}};

// For a file that is just called init: told by what lies beside it.
constexpr std::array<std::pair<const char*, std::string_view>, 5> kinds_by_neighbour{{
    {"sbin/openrc", "openrc"},
    {"etc/s6-linux-init", "s6"},
    {"etc/runit/runsvdir", "runit"},
    {"etc/inittab", "sysvinit"},
    {"etc/rc.d", "sysvinit"},
}};

// The path below "/" of this process is of no use (the tree may be a detached mount), but its last component is what
// the links of the tree ended in.
std::string last_name(BorrowedFd file) {
    char target[4096];
    const ssize_t length = ::readlink(path_of_descriptor(file).c_str(), target, sizeof target);
    if (length <= 0)
        return {};
    const std::string_view whole{target, static_cast<std::size_t>(length)};
    return std::string{whole.substr(whole.rfind('/') + 1)};
}

std::string kind_of(BorrowedFd root, const std::string& name) {
    for (const auto& [candidate, kind] : kinds_by_name)
        if (candidate == name)
            return std::string{kind};
    for (const auto& [neighbour, kind] : kinds_by_neighbour)
        if (exists_beneath(root, neighbour))
            return std::string{kind};
    return "unknown";
}

} // namespace

InitFacts detect_init(BorrowedFd root) {
    for (const char* candidate : candidates) {
        try {
            const auto file = open_beneath_if_exists(root, candidate, O_PATH, Links::inside_root);
            if (!file)
                continue;
            const struct stat status = status_of(*file);
            if (!S_ISREG(status.st_mode) || (status.st_mode & 0111) == 0)
                continue;
            return {candidate, kind_of(root, last_name(*file))};
        } catch (const Failure&) {
            continue; // a loop of links or the like cannot be executed either
        }
    }
    return {};
}

} // namespace machinist
