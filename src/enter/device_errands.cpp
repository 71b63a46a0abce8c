// SPDX-License-Identifier: LGPL-2.1-or-later
// Nodes of devices in the machine's /dev, which is a tmpfs made for it. The machine may have put anything in its place:
// nothing is made but on such a filesystem, and no link of the machine is followed.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "enter/errands.hpp"
#include "kernel/device_filter.hpp"
#include "kernel/files.hpp"
#include "kernel/filesystem_ids.hpp"
#include "spec/errand.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <linux/magic.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace machinist::enter {

namespace {

using Path = std::filesystem::path;

constexpr ino_t root_of_tmpfs = 1; // and of no other directory that could be bound there

UniqueFd open_devices_of(const Order& order, const LeaderView& leader) {
    if ((leader.namespaces & CLONE_NEWNS) == 0)
        throw Failure{FailureKind::not_supported, "the machine has the host's mounts"};
    UniqueFd devices = open_beneath(leader.root, "dev", O_PATH | O_DIRECTORY, Links::refuse);
    struct statfs filesystem {};
    if (::fstatfs(devices.get(), &filesystem) < 0)
        throw system_failure("look at '/dev' of the machine");
    // A directory of the host that the machine mounted there must get no nodes.
    const struct stat status = status_of(devices);
    if (filesystem.f_type != TMPFS_MAGIC || status.st_ino != root_of_tmpfs || !is_root_of_mount(devices) ||
        status.st_uid != root_of_machine(order, leader).uid)
        throw Failure{FailureKind::hostile, "'/dev' of the machine is not the one that was made for it"};
    return devices;
}

Path name_in_devices(const std::string& path) {
    check_path_in_machine(path);
    const Path name = Path{path}.lexically_normal().lexically_relative("/dev");
    if (!path.starts_with("/dev/") || !name.has_filename() || name == ".")
        throw Failure{FailureKind::invalid, "'" + escaped_for_people(path.substr(0, 200)) + "' is no path below /dev"};
    return name;
}

void refuse_other_filesystem(BorrowedFd devices, BorrowedFd directory, const Path& name) {
    if (status_of(devices).st_dev != status_of(directory).st_dev)
        throw Failure{FailureKind::not_supported, "something is mounted in '/dev' of the machine above '" +
                                                      escaped_for_people(name.string()) + "'"};
}

std::uint32_t number_in(const std::string& word) {
    const auto number = parse_integer<std::uint32_t>(word);
    if (!number)
        throw Failure{FailureKind::usage, "'" + escaped_for_people(word.substr(0, 40)) + "' is no number of a device"};
    return *number;
}

struct WantedNode {
    mode_t mode = 0; // with its type
    dev_t number = 0;
    std::uint32_t user = 0; // on the host
    std::uint32_t group = 0;
};

WantedNode wanted_node(const Order& order, const LeaderView& leader) {
    const auto& words = order.command;
    const MachineRoot root = root_of_machine(order, leader);
    return {.mode = (words[1] == "b" ? S_IFBLK : S_IFCHR) | (number_in(words[4]) & 0777),
            .number = ::makedev(number_in(words[2]), number_in(words[3])),
            .user = root.uid + number_in(words[5]),
            .group = root.gid + number_in(words[6])};
}

bool is_everybodys(const struct stat& status) {
    return S_ISCHR(status.st_mode) && std::ranges::any_of(closed_device_list(), [&](const DeviceRule& rule) {
               return rule.major == ::major(status.st_rdev) &&
                      rule.minor.value_or(::minor(status.st_rdev)) == ::minor(status.st_rdev);
           });
}

} // namespace

ErrandResult make_device(const Order& order, const LeaderView& leader) {
    const Path name = name_in_devices(order.command[0]);
    const WantedNode node = wanted_node(order, leader);
    const UniqueFd devices = open_devices_of(order, leader);
    const MachineRoot root = root_of_machine(order, leader);
    UniqueFd directory;
    {
        const FilesystemIds as_root{root.uid, root.gid};
        directory = make_directories_beneath(devices, name.parent_path(), 0755, Links::refuse);
    }
    refuse_other_filesystem(devices, directory, name);
    const std::string entry = name.filename().string();
    // Whole from the beginning: between two steps the machine could put something else there.
    const FilesystemIds as_owner{node.user, node.group};
    ::umask(0);
    if (::mknodat(directory.get(), entry.c_str(), node.mode, node.number) == 0)
        return {};
    if (errno != EEXIST)
        throw system_failure("make device '" + order.command[0] + "' of the machine");
    struct stat there {};
    if (::fstatat(directory.get(), entry.c_str(), &there, AT_SYMLINK_NOFOLLOW) < 0 ||
        (there.st_mode & S_IFMT) != (node.mode & S_IFMT) || there.st_rdev != node.number)
        throw Failure{FailureKind::already_exists, "'" + order.command[0] + "' of the machine is something else"};
    return {};
}

ErrandResult remove_device(const Order& order, const LeaderView& leader) {
    const Path name = name_in_devices(order.command[0]);
    const UniqueFd devices = open_devices_of(order, leader);
    const auto directory = open_beneath_if_exists(devices, name.has_parent_path() ? name.parent_path() : Path{"."},
                                                  O_PATH | O_DIRECTORY, Links::refuse);
    if (!directory)
        return {};
    refuse_other_filesystem(devices, *directory, name);
    const std::string entry = name.filename().string();
    struct stat there {};
    if (::fstatat(directory->get(), entry.c_str(), &there, AT_SYMLINK_NOFOLLOW) < 0) {
        if (errno == ENOENT)
            return {};
        throw system_failure("look at '" + order.command[0] + "' of the machine");
    }
    // What the machine put there itself stays, and what every machine has.
    if ((!S_ISCHR(there.st_mode) && !S_ISBLK(there.st_mode)) || is_everybodys(there))
        return {};
    if (::unlinkat(directory->get(), entry.c_str(), 0) < 0 && errno != ENOENT)
        throw system_failure("remove device '" + order.command[0] + "' of the machine");
    return {};
}

} // namespace machinist::enter
