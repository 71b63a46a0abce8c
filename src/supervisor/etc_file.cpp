// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/etc_file.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "kernel/random_suffix.hpp"

#include <cerrno>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

// Unguessable, so that the image cannot have something waiting there.
std::string temporary_name(const char* name) {
    return std::string{".#"} + name + "." + random_suffix();
}

void rename_into_place(BorrowedFd etc, const std::string& temporary, const char* name) {
    if (::renameat(etc.get(), temporary.c_str(), etc.get(), name) == 0)
        return;
    Failure failure = system_failure(std::string{"put '"} + name + "' into the machine's /etc");
    ::unlinkat(etc.get(), temporary.c_str(), 0);
    throw failure;
}

} // namespace

UniqueFd open_etc(BorrowedFd root) {
    return open_beneath(root, "etc", O_PATH | O_DIRECTORY, Links::inside_root);
}

EtcEntry look_at_etc_entry(BorrowedFd etc, const char* name) {
    struct stat status {};
    if (::fstatat(etc.get(), name, &status, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return EtcEntry::missing;
        throw system_failure(std::string{"look at '"} + name + "' in the machine's /etc");
    }
    return S_ISREG(status.st_mode) ? EtcEntry::regular_file : EtcEntry::other;
}

namespace {

// Writing what is there already would cost the image's filesystem a flush at every start.
bool already_says(BorrowedFd etc, const char* name, std::string_view text) {
    const UniqueFd file{::openat(etc.get(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    return file && S_ISREG(status_of(file).st_mode) && read_all(file, text.size() + 1) == text;
}

} // namespace

void put_etc_file(BorrowedFd etc, const char* name, std::string_view text) {
    if (look_at_etc_entry(etc, name) == EtcEntry::regular_file && already_says(etc, name, text))
        return;
    const std::string temporary = temporary_name(name);
    const UniqueFd file{
        ::openat(etc.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644)};
    if (!file)
        throw system_failure(std::string{"make '"} + name + "' in the machine's /etc");
    write_all(file, text);
    rename_into_place(etc, temporary, name);
}

void put_etc_link(BorrowedFd etc, const char* name, const std::string& target) {
    const std::string temporary = temporary_name(name);
    if (::symlinkat(target.c_str(), etc.get(), temporary.c_str()) < 0)
        throw system_failure(std::string{"make link '"} + name + "' in the machine's /etc");
    rename_into_place(etc, temporary, name);
}

void remove_etc_entry(BorrowedFd etc, const char* name) {
    if (::unlinkat(etc.get(), name, 0) < 0 && errno != ENOENT)
        throw system_failure(std::string{"remove '"} + name + "' from the machine's /etc");
}

void bind_host_file(BorrowedFd etc, const char* name, const std::string& host_path) {
    const UniqueFd source = open_path(host_path, O_PATH);
    if (look_at_etc_entry(etc, name) == EtcEntry::missing)
        put_etc_file(etc, name, "");
    // Not through a link: what is over-mounted is the entry that was just looked at.
    const UniqueFd place{::openat(etc.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!place)
        throw system_failure(std::string{"open '"} + name + "' in the machine's /etc");
    if (!S_ISREG(status_of(place).st_mode))
        throw Failure{FailureKind::not_supported, std::string{"bind over '"} + name + "': it is no regular file"};
    const UniqueFd mount = clone_mount(source, false);
    change_mount(mount, {.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV});
    attach_mount(mount, place);
}

} // namespace machinist
