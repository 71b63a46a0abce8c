// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/mounts.hpp"

#include "base/failure.hpp"
#include "kernel/syscalls.hpp"

#include <algorithm>
#include <sched.h>
#include <unistd.h>

// <sys/mount.h> clashes with <linux/mount.h> in glibc 2.36; these two values are the kernel's ABI.
extern "C" int umount2(const char*, int) noexcept;

namespace machinist {

namespace {

constexpr int detach = 2;                                // MNT_DETACH
constexpr std::uint64_t propagation_private = 1UL << 18; // MS_PRIVATE

// The kernel explains a refused option in words; they are read from the context as lines "e message".
std::string explanation(int context) {
    std::string text;
    char line[512];
    for (ssize_t count; (count = ::read(context, line, sizeof line)) > 2;) {
        if (!text.empty())
            text += ", ";
        text.append(line + 2, static_cast<std::size_t>(count - 2));
        if (text.ends_with('\n'))
            text.pop_back();
    }
    return text.empty() ? text : " (" + text + ")";
}

} // namespace

UniqueFd make_filesystem(const std::string& type, const FilesystemOptions& wanted) {
    const UniqueFd context{sys::fsopen(type.c_str(), FSOPEN_CLOEXEC)};
    if (!context)
        throw system_failure("open a new '" + type + "' filesystem");
    // What mount tables show as the device; "none" tells nobody anything.
    if (std::ranges::find(wanted.options, "source", [](const auto& option) { return option.first; }) ==
        wanted.options.end())
        (void)sys::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", type.c_str(), 0);
    for (const auto& [key, value] : wanted.options) {
        const int result = value.empty()
                               ? sys::fsconfig(context.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0)
                               : sys::fsconfig(context.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0);
        if (result < 0) {
            const int error_number = errno;
            throw system_failure("set option '" + key + (value.empty() ? "" : "=" + value) + "' of a '" + type +
                                     "' filesystem" + explanation(context.get()),
                                 error_number);
        }
    }
    if (sys::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
        const int error_number = errno;
        throw system_failure("create a '" + type + "' filesystem" + explanation(context.get()), error_number);
    }
    UniqueFd mount{sys::fsmount(context.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(wanted.attributes))};
    if (!mount) {
        const int error_number = errno;
        throw system_failure("mount a new '" + type + "' filesystem" + explanation(context.get()), error_number);
    }
    return mount;
}

UniqueFd clone_mount(BorrowedFd source, bool recursive) {
    return clone_mount_at(source, "", recursive);
}

UniqueFd clone_mount_at(BorrowedFd directory, const char* name, bool recursive) {
    UniqueFd mount{sys::open_tree(directory.get(), name,
                                  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW |
                                      (*name == '\0' ? AT_EMPTY_PATH : 0) | (recursive ? AT_RECURSIVE : 0))};
    if (!mount)
        throw system_failure(std::string{"take a copy of the mount"} +
                             (*name ? " at '" + std::string{name} + "'" : ""));
    return mount;
}

void attach_mount(BorrowedFd mount, BorrowedFd target) {
    if (sys::move_mount(mount.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
        throw system_failure("attach the mount");
}

namespace {

void change(int directory, const char* path, const AttributeChange& wanted) {
    mount_attr attributes{};
    attributes.attr_set = wanted.set | (wanted.idmap ? MOUNT_ATTR_IDMAP : 0);
    attributes.attr_clr = wanted.clear;
    attributes.propagation = wanted.propagation;
    attributes.userns_fd = wanted.idmap ? static_cast<std::uint64_t>(wanted.idmap.get()) : 0;
    const unsigned flags = (*path == '\0' ? AT_EMPTY_PATH : 0U) | (wanted.recursive ? AT_RECURSIVE : 0U);
    if (sys::mount_setattr(directory, path, flags, attributes) < 0)
        throw system_failure(wanted.idmap ? "map the owners of a mount" : "change the attributes of a mount");
}

} // namespace

void change_mount(BorrowedFd mount, const AttributeChange& wanted) {
    change(mount.get(), "", wanted);
}

void change_mount_at(const char* path, const AttributeChange& wanted) {
    change(AT_FDCWD, path, wanted);
}

void pivot_to_current_directory() {
    // pivot_root(2), "pivot_root(".", ".")": the old root is stacked on the new one and then detached.
    if (sys::pivot_root(".", ".") < 0)
        throw system_failure("make the current directory the root");
    if (::umount2(".", detach) < 0)
        throw system_failure("detach the old root");
    if (::chdir("/") < 0)
        throw system_failure("go to the new root");
}

void enter_private_mount_namespace() {
    if (::unshare(CLONE_NEWNS) < 0)
        throw system_failure("make a mount namespace").try_instead("running it as root with CAP_SYS_ADMIN");
    change_mount_at("/", {.propagation = propagation_private, .recursive = true});
}

} // namespace machinist
