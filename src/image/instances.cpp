// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/instances.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "image/clone_image.hpp"
#include "image/disk_image.hpp"
#include "image/disk_mount.hpp"
#include "image/image_changes.hpp"
#include "image/image_lock.hpp"
#include "image/leftovers.hpp"
#include "image/overlay.hpp"
#include "image/root_mount.hpp"
#include "image/stack.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "kernel/separate_process.hpp"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr unsigned most_instances = 1000;

// The directory of the stack's upper tree that shows as etc, looking like the one below.
UniqueFd upper_etc(const std::filesystem::path& stack) {
    const struct stat below = [&] {
        const UniqueFd tree = open_image_tree(stack);
        return status_of(open_beneath(tree, "etc", O_PATH | O_DIRECTORY, Links::refuse));
    }();
    const struct stat top = status_of(open_image_tree(stack));
    const UpperLayer layer = open_kept_layer(open_path(stack / "rw", O_RDONLY | O_DIRECTORY));
    if (layer.is_new && (::fchown(layer.upper.get(), top.st_uid, top.st_gid) < 0 ||
                         ::fchmod(layer.upper.get(), top.st_mode & 07777) < 0))
        throw system_failure("give a layer the owner and mode of its image");
    const bool is_new = ::mkdirat(layer.upper.get(), "etc", 0755) == 0;
    if (!is_new && errno != EEXIST)
        throw system_failure("make 'etc' of a layer");
    UniqueFd etc = open_beneath(layer.upper, "etc", O_RDONLY | O_DIRECTORY, Links::refuse);
    if (is_new &&
        (::fchown(etc.get(), below.st_uid, below.st_gid) < 0 || ::fchmod(etc.get(), below.st_mode & 07777) < 0))
        throw system_failure("give a layer the owner and mode of its image");
    return etc;
}

// What is to be taken away; nothing if the next boot makes one anyway.
std::optional<struct stat> machine_id_in(BorrowedFd tree) {
    const auto etc = open_beneath_if_exists(tree, "etc", O_PATH | O_DIRECTORY, Links::refuse);
    struct stat status {};
    if (!etc || ::fstatat(etc->get(), "machine-id", &status, AT_SYMLINK_NOFOLLOW) < 0 ||
        (S_ISREG(status.st_mode) && status.st_size == 0))
        return std::nullopt;
    return status;
}

// An empty one: booting without would be taken for the first boot of the system.
void empty_machine_id(BorrowedFd etc, const struct stat& before) {
    if (::unlinkat(etc.get(), "machine-id", 0) < 0 && errno != ENOENT)
        throw system_failure("remove 'etc/machine-id'");
    const UniqueFd file{::openat(etc.get(), "machine-id", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444)};
    if (!file || ::fchown(file.get(), before.st_uid, before.st_gid) < 0)
        throw system_failure("make an empty 'etc/machine-id'");
}

void forget_in_tree(const PoolImage& image) {
    const UniqueFd tree = open_image_tree(image.path);
    if (const auto before = machine_id_in(tree))
        empty_machine_id(is_stack(image.path) ? upper_etc(image.path)
                                              : open_beneath(tree, "etc", O_RDONLY | O_DIRECTORY, Links::refuse),
                         *before);
}

void forget_in_mounted_disk(const PoolImage& image) {
    ImageLock lock = lock_image(image.path, LockMode::exclusive);
    const ScopeExit let_it_go{[&] { let_go(lock); }};
    const DiskSpec disk = inspect_disk(image.path);
    enter_private_mount_namespace();
    DiskKeys none;
    const UniqueFd top =
        mount_disk(image.path, disk, DiskUse::write, open_staging_directory("/run/machinist/staging"), none).top;
    const auto before = machine_id_in(top);
    if (before && disk.mounts.front().read_only)
        throw Failure{FailureKind::not_supported, "its filesystem cannot be written"}.try_instead(
            "'machinist clone' and 'machinist run --image=... --uuid=...' for each");
    if (!before)
        return;
    const UniqueFd etc = open_beneath(top, "etc", O_RDONLY | O_DIRECTORY, Links::refuse);
    empty_machine_id(etc, *before);
    if (::syncfs(etc.get()) < 0)
        throw system_failure("write it to disk");
}

// In a process of its own: what is mounted goes with it, and a filesystem may make it wait.
void forget_in_disk(const PoolImage& image) {
    constexpr std::chrono::seconds patience{60};
    const auto answer = find_out_apart(
        [&]() -> std::string {
            try {
                forget_in_mounted_disk(image);
                return {};
            } catch (const Failure& failure) {
                return failure.serialize();
            }
        },
        patience);
    if (!answer)
        throw Failure{FailureKind::timed_out, "its filesystem does not answer"};
    if (auto failure = Failure::deserialize(*answer))
        throw std::move(*failure);
}

void take_away(const Pool& pool, const std::string& name) noexcept {
    try {
        delete_leftovers(pool.places(), remove_image(pool, name), [](const Failure&) {});
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "image '%s' is left over: %s\n", name.c_str(), failure.what());
    }
}

} // namespace

void forget_machine_id(const PoolImage& image) {
    doing("take the machine id out of image '" + image.name + "'",
          [&] { image.type == ImageType::raw ? forget_in_disk(image) : forget_in_tree(image); });
}

std::vector<std::string> make_instances(const Pool& pool, std::string_view image, unsigned count) {
    if (count == 0 || count > most_instances)
        throw Failure{FailureKind::invalid,
                      "make instances of image '" + std::string{image} + "': it must be 1 to 1000 of them"};
    std::vector<std::string> names;
    for (unsigned number = 1; number <= count; ++number) {
        names.push_back(std::string{image} + "-" + std::to_string(number));
        if (pool.find(names.back()))
            continue;
        clone_image(pool, image, names.back());
        // One with the id of another would be worse than none.
        ScopeExit take_back{[&] { take_away(pool, names.back()); }};
        forget_machine_id(pool.get(names.back()));
        take_back.release();
    }
    return names;
}

} // namespace machinist
