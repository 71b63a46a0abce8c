// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/init_detection.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/directory_entries.hpp"
#include "kernel/files.hpp"

#include <array>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace machinist {

namespace {

constexpr std::size_t most_entries = 100'000;
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

std::string beginning_of(BorrowedFd file, std::size_t size) {
    return read_all(open_path(path_of_descriptor(file), O_RDONLY | O_NONBLOCK | O_NOCTTY), size);
}

// A script: told by the program that it becomes.
std::string kind_of_script(std::string_view text) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 4> words{
        {{"s6-svscan", "s6"}, {"s6-linux-init", "s6"}, {"runsvdir", "runit"}, {"openrc-init", "openrc"}}};
    for (const auto& [word, kind] : words)
        if (text.starts_with("#!") && text.find(word) != std::string_view::npos)
            return std::string{kind};
    return {};
}

std::string kind_of(BorrowedFd root, BorrowedFd file) {
    const std::string name = last_name(file);
    for (const auto& [candidate, kind] : kinds_by_name)
        if (candidate == name)
            return std::string{kind};
    constexpr std::size_t longest_script = 8192;
    if (std::string kind = kind_of_script(beginning_of(file, longest_script)); !kind.empty())
        return kind;
    for (const auto& [neighbour, kind] : kinds_by_neighbour)
        if (exists_beneath(root, neighbour))
            return std::string{kind};
    return "unknown";
}

// "libsystemd-shared-252.so", "libsystemd-shared-257.8-1~deb13u2.so"
std::optional<unsigned> version_of_library(BorrowedFd root) {
    constexpr std::string_view beginning = "libsystemd-shared-";
    for (const char* path : {"usr/lib/systemd", "lib/systemd", "usr/lib64/systemd", "usr/lib/x86_64-linux-gnu/systemd",
                             "usr/lib/aarch64-linux-gnu/systemd", "usr/lib/riscv64-linux-gnu/systemd"}) {
        try {
            const auto directory = open_beneath_if_exists(root, path, O_RDONLY | O_DIRECTORY, Links::inside_root);
            for (const std::string& name :
                 directory ? sorted_entries(*directory, most_entries) : std::vector<std::string>{}) {
                if (!name.starts_with(beginning) || !name.ends_with(".so"))
                    continue;
                const std::string_view rest = std::string_view{name}.substr(beginning.size());
                if (const auto version = parse_integer<unsigned>(rest.substr(0, rest.find_first_not_of("0123456789"))))
                    return version;
            }
        } catch (const Failure&) {
            continue;
        }
    }
    return std::nullopt;
}

// Before there was such a library, and where it is linked in, the program has what it prints for --version.
std::optional<unsigned> version_in_program(std::string_view program) {
    constexpr std::string_view beginning{"\0systemd ", 9};
    for (std::size_t at = 0; (at = program.find(beginning, at)) != std::string_view::npos; at += beginning.size()) {
        const std::string_view rest = program.substr(at + beginning.size(), 16);
        const std::string_view number = rest.substr(0, rest.find_first_not_of("0123456789"));
        if (const auto version = parse_integer<unsigned>(number); version && number.size() < rest.size())
            return version;
    }
    return std::nullopt;
}

std::optional<unsigned> find_systemd_version(BorrowedFd root, BorrowedFd program) {
    if (const auto version = version_of_library(root))
        return version;
    constexpr std::size_t most = std::size_t{8} << 20;
    return version_in_program(beginning_of(program, most));
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
            InitFacts found{candidate, kind_of(root, *file), std::nullopt};
            if (found.kind == "systemd")
                found.systemd_version = find_systemd_version(root, *file);
            return found;
        } catch (const Failure&) {
            continue; // a loop of links or the like cannot be executed either
        }
    }
    return {};
}

} // namespace machinist
