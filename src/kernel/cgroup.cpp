// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/cgroup.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr long cgroup2_magic = 0x63677270; // CGROUP2_SUPER_MAGIC

bool is_cgroup2(const char* path) {
    struct statfs filesystem {};
    return ::statfs(path, &filesystem) == 0 && filesystem.f_type == cgroup2_magic;
}

std::filesystem::path mount_point() {
    for (const char* usual : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
        if (is_cgroup2(usual))
            return usual;
    const std::string table = read_file("/proc/self/mountinfo");
    for (std::size_t start = 0; start < table.size();) {
        const std::size_t end = std::min(table.find('\n', start), table.size());
        const std::string_view line = std::string_view{table}.substr(start, end - start);
        start = end + 1;
        if (line.find(" - cgroup2 ") == std::string_view::npos)
            continue;
        // Field 5 is the mount point (proc_pid_mountinfo(5)).
        std::size_t field = 0;
        for (int skip = 0; skip < 4; ++skip)
            field = line.find(' ', field) + 1;
        return std::string{line.substr(field, line.find(' ', field) - field)};
    }
    throw Failure{FailureKind::not_supported, "find the cgroup v2 hierarchy: it is mounted nowhere"}.try_instead(
        "'mount -t cgroup2 none /sys/fs/cgroup/unified'");
}

std::filesystem::path group_in(const std::string& groups, const std::string& whose) {
    // The line of v2 begins with "0::"; v1 hierarchies may stand beside it.
    std::size_t line = groups.starts_with("0::") ? 0 : groups.find("\n0::");
    if (line == std::string::npos)
        throw Failure{FailureKind::not_supported, "find " + whose + " in the cgroup v2 hierarchy"};
    line = groups.find("0::", line) + 3;
    const std::string path = groups.substr(line, groups.find('\n', line) - line);
    return mount_point() / std::filesystem::path{path}.relative_path();
}

} // namespace

std::filesystem::path cgroup_root() {
    return mount_point();
}

std::filesystem::path own_cgroup() {
    return group_in(read_file("/proc/self/cgroup"), "this process");
}

std::filesystem::path cgroup_of(pid_t pid) {
    const std::string process = std::to_string(pid);
    return group_in(read_file("/proc/" + process + "/cgroup"), "process " + process);
}

bool cgroup_is_delegated(const std::filesystem::path& group) {
    for (const char* attribute : {"user.delegate", "trusted.delegate"}) {
        char value = '0';
        if (::getxattr(group.c_str(), attribute, &value, 1) == 1 && value == '1')
            return true;
    }
    return false;
}

UniqueFd make_cgroup(const std::filesystem::path& group) {
    make_directories(group, 0755);
    return open_path(group, O_RDONLY | O_DIRECTORY);
}

void enable_controllers(BorrowedFd group) {
    const UniqueFd list{::openat(group.get(), "cgroup.controllers", O_RDONLY | O_CLOEXEC)};
    if (!list)
        return;
    const std::string names = read_all(list);
    for (std::size_t start = 0; start < names.size();) {
        const std::size_t end = std::min(names.find_first_of(" \n", start), names.size());
        const std::string name = names.substr(start, end - start);
        start = end + 1;
        const UniqueFd control{::openat(group.get(), "cgroup.subtree_control", O_WRONLY | O_CLOEXEC)};
        // One by one: a controller that is refused must not take the others with it.
        const std::string change = "+" + name;
        if (!name.empty() && control && ::write(control.get(), change.data(), change.size()) < 0)
            continue;
    }
}

void delegate_cgroup(BorrowedFd group, std::uint32_t uid, std::uint32_t gid) {
    if (::fchown(group.get(), uid, gid) < 0)
        throw system_failure("give a cgroup to user " + std::to_string(uid));
    for (const char* file : {"cgroup.controllers", "cgroup.events", "cgroup.procs", "cgroup.stat",
                             "cgroup.subtree_control", "cgroup.threads", "memory.oom.group", "memory.reclaim"})
        if (::fchownat(group.get(), file, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
            throw system_failure(std::string{"give '"} + file + "' of a cgroup to user " + std::to_string(uid));
}

void remove_cgroup(BorrowedFd parent, const std::string& name) {
    const int descriptor = ::openat(parent.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0 && errno == ENOENT)
        return;
    const std::unique_ptr<DIR, int (*)(DIR*)> directory{::fdopendir(descriptor), ::closedir};
    if (!directory)
        throw system_failure("open cgroup '" + name + "'");
    while (const dirent* entry = ::readdir(directory.get()))
        if (entry->d_type == DT_DIR && std::string_view{entry->d_name} != "." &&
            std::string_view{entry->d_name} != "..")
            remove_cgroup(BorrowedFd{::dirfd(directory.get())}, entry->d_name);
    if (::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR) < 0 && errno != ENOENT)
        throw system_failure("remove cgroup '" + name + "'");
}

void move_process_to_cgroup(BorrowedFd group, pid_t pid) {
    write_existing(group, "cgroup.procs", std::to_string(pid));
}

} // namespace machinist
