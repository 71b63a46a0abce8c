// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/succession.hpp"

#include "base/text.hpp"
#include "image/set_aside.hpp"
#include "kernel/files.hpp"

#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr const char* attribute = "user.machinist.awaits";
constexpr std::string_view word_for_replacing = "replace";
constexpr std::string_view word_for_removing = "remove";
// None of the parts can have one in it.
constexpr char between_parts = '/';

// An inode is used again, and all subvolumes of btrfs have the same.
std::string identity_of(BorrowedFd directory, const char* path, int flags) {
    struct statx found {};
    if (::statx(directory.get(), path, flags | AT_NO_AUTOMOUNT, STATX_INO | STATX_BTIME, &found) < 0)
        return "";
    return std::to_string(found.stx_ino) + "." + std::to_string(found.stx_btime.tv_sec) + "." +
           std::to_string(found.stx_btime.tv_nsec);
}

std::string text_of_mark(BorrowedFd file) {
    char value[1024];
    const ssize_t length = ::fgetxattr(file.get(), attribute, value, sizeof value);
    return length < 0 ? std::string{} : std::string{value, static_cast<std::size_t>(length)};
}

} // namespace

bool wait_for_image(BorrowedFd file, Succession what, const std::string& target, BorrowedFd image,
                    const std::string& entry) {
    const std::string text = std::string{what == Succession::replaces ? word_for_replacing : word_for_removing} +
                             between_parts + identity_of(image, "", AT_EMPTY_PATH) + between_parts + entry +
                             between_parts + target;
    return ::fsetxattr(file.get(), attribute, text.data(), text.size(), 0) == 0;
}

bool succeed_if_image_came(BorrowedFd file, const std::filesystem::path& path) {
    const std::string mark = text_of_mark(file);
    const auto parts = split(mark, between_parts);
    const struct stat status = status_of(file);
    // A stranger's file in a directory that is open to all must not become one of ours.
    if (parts.size() != 4 || status.st_uid != ::geteuid() || !S_ISREG(status.st_mode))
        return false;
    const UniqueFd directory = open_path(path.parent_path(), O_RDONLY | O_DIRECTORY);
    const std::string entry{parts[2]};
    const std::string target{parts[3]};
    if (identity_of(directory, entry.c_str(), AT_SYMLINK_NOFOLLOW) != parts[1])
        return false;
    if (parts[0] == word_for_removing) {
        ::unlinkat(directory.get(), target.c_str(), 0);
        return ::unlinkat(directory.get(), path.filename().c_str(), 0) == 0;
    }
    if (::renameat(directory.get(), path.filename().c_str(), directory.get(), target.c_str()) < 0)
        return false;
    ::fremovexattr(file.get(), attribute);
    return true;
}

void finish_successions_in(const std::filesystem::path& directory) noexcept {
    try {
        // Most directories have none, and are looked through once.
        for (const auto& path : set_aside_in(directory)) {
            const UniqueFd file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
            if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0)
                (void)succeed_if_image_came(file, path);
        }
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "what belongs to images in '%s' is left to wait: %s\n", directory.c_str(), failure.what());
    }
}

} // namespace machinist
