// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/base_directories.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "kernel/files.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

struct Directory {
    const char* name;
    mode_t mode;
};
// In an order in which a tree that has nothing yet gets what the links below lead to.
constexpr std::array<Directory, 8> directories{{{"usr", 0755},
                                                {"root", 0750},
                                                {"var", 0755},
                                                {"etc", 0755},
                                                {"proc", 0555},
                                                {"sys", 0555},
                                                {"dev", 0555},
                                                {"run", 0555}}};

// name leads to target if target has the entry that makes it worth it.
struct LinkToUsr {
    const char* name;
    const char* target;
    const char* needed;
};
constexpr std::array<LinkToUsr, 11> links{{
    {"bin", "usr/bin", ""},
    {"sbin", "usr/sbin", ""},
    {"lib", "usr/lib", ""},
    // Where programs look for the loader, by architecture.
    {"lib64", "usr/lib64", "ld-linux-x86-64.so.2"},
    {"lib64", "usr/lib/x86_64-linux-gnu", "ld-linux-x86-64.so.2"},
    {"lib64", "usr/lib64", "ld-linux-aarch64.so.1"},
    {"lib64", "usr/lib64", "ld64.so.2"},
    {"lib64", "usr/lib/powerpc64le-linux-gnu", "ld64.so.2"},
    {"lib64", "usr/lib64", "ld64.so.1"},
    {"lib64", "usr/lib64", "ld-linux-loongarch-lp64d.so.1"},
    {"lib64", "usr/lib/loongarch64-linux-gnu", "ld-linux-loongarch-lp64d.so.1"},
}};

bool has_entry(BorrowedFd root, const char* name) {
    struct stat status {};
    return ::fstatat(root.get(), name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

bool leads_somewhere(BorrowedFd root, const LinkToUsr& link) {
    try {
        const auto path = std::filesystem::path{link.target} / link.needed;
        const int flags = *link.needed == '\0' ? O_PATH | O_DIRECTORY : O_PATH;
        return open_beneath_if_exists(root, path, flags, Links::inside_root).has_value();
    } catch (const Failure&) {
        return false; // a loop of links is nothing to link to
    }
}

// False if the root cannot be written, and so nothing will be made at all.
bool made(int result, const char* name) {
    if (result == 0 || errno == EEXIST)
        return true;
    if (errno == EROFS)
        return false;
    throw system_failure(std::string{"make '/"} + name + "' in the image");
}

} // namespace

void make_base_directories(BorrowedFd root) {
    const mode_t before = ::umask(0);
    const ScopeExit restore{[before] { ::umask(before); }};
    for (const Directory& directory : directories)
        if (!has_entry(root, directory.name) &&
            !made(::mkdirat(root.get(), directory.name, directory.mode), directory.name))
            return;
    for (const LinkToUsr& link : links)
        if (!has_entry(root, link.name) && leads_somewhere(root, link) &&
            !made(::symlinkat(link.target, root.get(), link.name), link.name))
            return;
}

} // namespace machinist
