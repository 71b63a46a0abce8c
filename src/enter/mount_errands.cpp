// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "base/text.hpp"
#include "enter/errands.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "kernel/user_namespace.hpp"
#include "spec/errand.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include <sched.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// <sys/mount.h> clashes with <linux/mount.h> in glibc 2.36; these values are the kernel's ABI.
extern "C" int umount2(const char*, int) noexcept;

namespace machinist::enter {

namespace {

constexpr int detach_mount = 2;                          // MNT_DETACH
constexpr int no_follow = 8;                             // UMOUNT_NOFOLLOW
constexpr std::uint64_t propagation_private = 1UL << 18; // MS_PRIVATE
constexpr const char* name_in_between = "mount";

void make_empty(BorrowedFd directory, const std::string& name, bool is_directory) {
    if (is_directory) {
        if (::mkdirat(directory.get(), name.c_str(), 0755) < 0 && errno != EEXIST)
            throw system_failure("make directory '" + name + "'");
        return;
    }
    const UniqueFd file{
        ::openat(directory.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0644)};
    if (!file && errno != EEXIST)
        throw system_failure("make file '" + name + "'");
}

// By number, so the leader must be looked at afterwards.
UniqueFd open_namespace(const Order& order, const char* kind) {
    UniqueFd found = open_path("/proc/" + std::to_string(order.leader.pid()) + "/ns/" + kind, O_RDONLY);
    if (!order.leader.alive())
        throw Failure{FailureKind::not_found, "the machine has ended"};
    return found;
}

// False where the filesystem, or one mounted in it, cannot map ids.
bool map_owners(BorrowedFd mount, const Order& order) {
    const UniqueFd users = open_namespace(order, "user");
    try {
        change_mount(mount, {.idmap = users, .recursive = true});
        return true;
    } catch (const Failure& failure) {
        if (failure.error_number() != EINVAL && failure.error_number() != EPERM)
            throw;
        return false;
    }
}

// The number on the host of one of the machine, by its map of users or groups.
std::uint32_t number_on_host(const Order& order, const char* map, std::uint32_t number) {
    const std::string path = "/proc/" + std::to_string(order.leader.pid()) + "/" + map;
    const std::string text = read_file(path);
    if (!order.leader.alive())
        throw Failure{FailureKind::not_found, "the machine has ended"};
    for (const std::string_view line : split(text, '\n')) {
        const auto words = split_words(line);
        const auto inside = words.size() == 3 ? parse_integer<std::uint32_t>(words[0]) : std::nullopt;
        const auto outside = inside ? parse_integer<std::uint32_t>(words[1]) : std::nullopt;
        const auto count = outside ? parse_integer<std::uint32_t>(words[2]) : std::nullopt;
        if (count && number >= *inside && number - *inside < *count)
            return *outside + (number - *inside);
    }
    throw Failure{FailureKind::not_found, "the machine has no user " + std::to_string(number)};
}

// What belongs to the owner of the source belongs to that user of the machine; all else to nobody.
void give_to_user(BorrowedFd mount, BorrowedFd source, const std::string& word, const Order& order) {
    const auto user = parse_integer<std::uint32_t>(word);
    if (!user)
        throw Failure{FailureKind::invalid, "'" + word.substr(0, 40) + "' is no number of a user"};
    const struct stat status = status_of(source);
    const IdMap users{.inside = status.st_uid, .outside = number_on_host(order, "uid_map", *user), .count = 1};
    const IdMap groups{.inside = status.st_gid, .outside = number_on_host(order, "gid_map", *user), .count = 1};
    const UniqueFd mapping = make_user_namespace(std::array{users}, std::array{groups});
    doing("give what is bound to user " + word, [&] { change_mount(mount, {.idmap = mapping, .recursive = true}); });
}

// What belongs to the 65536 owners from these on belongs to the machine's, one by one.
void give_range(BorrowedFd mount, const std::string& user_word, const std::string& group_word, const Order& order) {
    constexpr std::uint32_t size = 65536;
    const auto user = parse_integer<std::uint32_t>(user_word);
    const auto group = parse_integer<std::uint32_t>(group_word);
    if (!user || !group || std::uint64_t{*user} + size > UINT32_MAX || std::uint64_t{*group} + size > UINT32_MAX)
        throw Failure{FailureKind::invalid,
                      "'" + (user_word + ":" + group_word).substr(0, 40) + "' is no range of owners"};
    const IdMap users{.inside = *user, .outside = number_on_host(order, "uid_map", 0), .count = size};
    const IdMap groups{.inside = *group, .outside = number_on_host(order, "gid_map", 0), .count = size};
    const UniqueFd mapping = make_user_namespace(std::array{users}, std::array{groups});
    doing("give what is bound to the machine", [&] { change_mount(mount, {.idmap = mapping, .recursive = true}); });
}

// The same mount, read-only for good: the kernel locks what a mount namespace of other users takes over from its
// parent, and a copy of a locked mount is locked (mount_namespaces(7)). A mount that is only put into the machine could
// be made writable by its root.
UniqueFd lock_attributes(BorrowedFd mount, bool is_directory, const Order& order, const LeaderView& leader) {
    enter_private_mount_namespace();
    const UniqueFd between = make_filesystem("tmpfs", {.options = {{"mode", "0755"}}});
    make_empty(between, name_in_between, is_directory);
    attach_mount(between, open_path("/", O_PATH | O_DIRECTORY));
    const UniqueFd place{::openat(between.get(), name_in_between, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!place)
        throw system_failure("find the place in between");
    attach_mount(mount, place);
    // The current directory goes along into the next namespace.
    if (::fchdir(between.get()) < 0)
        throw system_failure("go to the place in between");
    become_machine_root(order, leader);
    if (::unshare(CLONE_NEWNS) < 0)
        throw system_failure("make a mount namespace of the machine's users");
    return clone_mount_at(BorrowedFd{AT_FDCWD}, name_in_between, true);
}

UniqueFd find_destination(const Order& order, const LeaderView& leader, const std::string& path, bool is_directory) {
    if (auto found = open_beneath_if_exists(leader.root, path, O_PATH, Links::inside_root)) {
        if (S_ISDIR(status_of(*found).st_mode) != is_directory)
            throw Failure{FailureKind::invalid,
                          "mount on '" + path + "': the source is " +
                              (is_directory ? "a directory, this is none" : "no directory, this is one")};
        return std::move(*found);
    }
    if (!order.make)
        throw Failure{FailureKind::not_found, "mount on '" + path + "' of the machine", ENOENT}.try_instead(
            "'--mkdir', which makes it");
    const Place place = place_of(path);
    const UniqueFd directory = make_directories_beneath(leader.root, place.directory, 0755, Links::inside_root);
    make_empty(directory, place.name, is_directory);
    return open_beneath(leader.root, path, O_PATH, Links::inside_root);
}

} // namespace

bool is_root_of_mount(BorrowedFd file) {
    struct statx status {};
    if (::statx(file.get(), "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &status) < 0)
        throw system_failure("look at a mount point");
    return (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

ErrandResult bind_into_machine(const Order& order, const LeaderView& leader) {
    const std::string& source_path = order.command[0];
    const std::string& destination = order.command[1];
    check_path_in_machine(destination);
    if (!source_path.starts_with('/'))
        throw Failure{FailureKind::invalid, "path '" + source_path.substr(0, 200) + "' is not absolute"};
    if ((leader.namespaces & CLONE_NEWNS) == 0)
        throw Failure{FailureKind::not_supported, "the machine has the host's mounts"};
    place_of(destination); // the root itself is no place to mount on
    const UniqueFd mounts = open_namespace(order, "mnt");
    const UniqueFd source = open_path(source_path, O_PATH);
    const bool is_directory = S_ISDIR(status_of(source).st_mode);
    UniqueFd mount = clone_mount(source, true);
    // What is mounted in it inside must not appear on the host.
    change_mount(mount, {.propagation = propagation_private, .recursive = true});
    if (order.read_only)
        change_mount(mount, {.set = MOUNT_ATTR_RDONLY, .recursive = true});
    ErrandResult result;
    const bool has_owner = order.command.size() > 2;
    if (order.command.size() > 3)
        give_range(mount, order.command[2], order.command[3], order);
    else if (has_owner)
        give_to_user(mount, source, order.command[2], order);
    if ((leader.namespaces & CLONE_NEWUSER) != 0) {
        if (!has_owner && !map_owners(mount, order))
            result.text = "the filesystem of '" + source_path +
                          "' cannot map owners: its files will belong to nobody in the machine";
        mount = lock_attributes(mount, is_directory, order, leader);
    }
    if (::setns(mounts.get(), CLONE_NEWNS) < 0)
        throw system_failure("join its mounts");
    attach_mount(mount, find_destination(order, leader, destination, is_directory));
    return result;
}

ErrandResult unbind_in_machine(const Order& order, const LeaderView& leader) {
    const std::string& path = order.command[0];
    check_path_in_machine(path);
    if ((leader.namespaces & CLONE_NEWNS) == 0)
        throw Failure{FailureKind::not_supported, "the machine has the host's mounts"};
    const Place place = place_of(path);
    become_machine_root(order, leader, CLONE_NEWNS);
    const UniqueFd directory = open_beneath(leader.root, place.directory, O_PATH | O_DIRECTORY, Links::inside_root);
    // Open any longer it would keep the mount busy.
    if (!is_root_of_mount(open_beneath(directory, place.name, O_PATH | O_NOFOLLOW, Links::refuse)))
        throw Failure{FailureKind::not_found, "nothing is mounted on '" + path + "' of the machine"};
    if (::fchdir(directory.get()) < 0)
        throw system_failure("go to '" + place.directory + "' of the machine");
    if (::umount2(place.name.c_str(), no_follow | (order.detach ? detach_mount : 0)) < 0) {
        Failure failure = system_failure("unmount '" + path + "' of the machine");
        if (failure.error_number() == EBUSY)
            failure.try_instead("'--force', which takes it away from whoever uses it");
        throw failure;
    }
    return {};
}

} // namespace machinist::enter
