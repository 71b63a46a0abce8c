// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/image_changes.hpp"

#include "base/failure.hpp"
#include "base/machine_name.hpp"
#include "base/text.hpp"
#include "image/auxiliary_files.hpp"
#include "image/disk_growth.hpp"
#include "image/layered_clone.hpp"
#include "image/set_aside.hpp"
#include "kernel/block_device.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/btrfs_quota.hpp"
#include "kernel/file_attributes.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

// "web.raw" of "web" with another name.
std::filesystem::path renamed(const PoolImage& image, std::string_view new_name) {
    const std::string suffix = image.entry.filename().string().substr(image.name.size());
    return image.entry.parent_path() / (std::string{new_name} + suffix);
}

// Versions carry the name of what they are versions of.
void refuse_versions(const PoolImage& image, const char* what) {
    if (image.is_versioned())
        throw Failure{FailureKind::not_supported, std::string{what} + " image '" + image.name +
                                                      "': it is a directory of versions, '" + image.entry.string() +
                                                      "', each of which carries its name"};
}

void move_entry(const std::filesystem::path& from, const std::filesystem::path& to) {
    const UniqueFd entry{::open(from.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    const bool was_immutable = entry && is_immutable(entry) && make_immutable(entry, false);
    const int result = ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE);
    const int error_number = errno;
    if (was_immutable)
        make_immutable(entry, true);
    if (result < 0)
        throw system_failure("rename '" + from.string() + "' to '" + to.string() + "'", error_number);
}

void make_file_read_only(const std::filesystem::path& path, bool read_only) {
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0)
        throw system_failure("look at '" + path.string() + "'");
    const mode_t mode = read_only ? status.st_mode & 0555 : (status.st_mode & 0777) | 0200;
    if (::chmod(path.c_str(), mode) < 0)
        throw system_failure("change the mode of '" + path.string() + "'");
}

void forget_id_range(const Pool& pool, std::string_view name) {
    if (MachineName::parse(name))
        IdRangeStore{pool.places().id_ranges}.forget(name);
}

void change_whether_read_only(const PoolImage& image, bool read_only) {
    switch (image.type) {
    case ImageType::directory:
    case ImageType::mstack: make_immutable(open_path(image.path, O_RDONLY | O_DIRECTORY), read_only); break;
    case ImageType::subvolume:
        btrfs::make_subvolume_read_only(open_path(image.path, O_RDONLY | O_DIRECTORY), read_only);
        break;
    case ImageType::raw: make_file_read_only(image.path, read_only); break;
    case ImageType::block: make_block_device_read_only(image.path, read_only); break;
    }
}

} // namespace

ImageHold::ImageHold(const Pool& pool, const PoolImage& image, LockMode mode) : ImageHold() {
    locks_.push_back(lock_image_name(image.name, mode, pool.places().locks));
    try {
        locks_.push_back(lock_image(image.path, mode, pool.places().locks));
    } catch (Failure& failure) {
        if (failure.kind() == FailureKind::busy)
            throw Failure{FailureKind::busy, "image '" + image.name + "' is used by a machine", EBUSY}.try_instead(
                "again when that has ended");
        throw;
    }
}

ImageHold::ImageHold(const Pool& pool, std::string_view new_name) : ImageHold() {
    check_new_image_name(new_name);
    locks_.push_back(lock_image_name(new_name, LockMode::exclusive, pool.places().locks));
    if (pool.find(new_name))
        throw Failure{FailureKind::already_exists, "image '" + std::string{new_name} + "' exists already"};
}

ImageHold::~ImageHold() {
    for (ImageLock& lock : locks_)
        let_go(lock);
}

void refuse_to_change(const PoolImage& image, std::string_view what) {
    const std::string doing = std::string{what} + " image '" + escaped_for_people(image.name) + "'";
    if (image.is_host())
        throw Failure{FailureKind::not_permitted, doing + ": it is the host's own root", EROFS};
    if (image.is_vendors())
        throw Failure{FailureKind::not_permitted, doing + ": it belongs to the distribution", EROFS};
}

void rename_image(const Pool& pool, std::string_view name, std::string_view new_name) {
    const PoolImage image = pool.get(name);
    refuse_to_change(image, "rename");
    refuse_versions(image, "rename");
    const ImageHold new_hold{pool, new_name};
    const ImageHold hold{pool, image, LockMode::exclusive};
    finish_cut_clone(image);
    const AuxiliaryMove auxiliary{pool.places(), image.entry.parent_path(), name, new_name};
    auxiliary.prepare();
    move_entry(image.entry, renamed(image, new_name));
    auxiliary.finish();
    forget_id_range(pool, name);
}

std::vector<std::filesystem::path> remove_image(const Pool& pool, std::string_view name) {
    const PoolImage image = pool.get(name);
    refuse_to_change(image, "remove");
    if (image.type == ImageType::block) {
        struct stat status {};
        if (::lstat(image.entry.c_str(), &status) == 0 && !S_ISLNK(status.st_mode))
            throw Failure{FailureKind::not_supported,
                          "remove image '" + image.name + "': a block device cannot be removed"};
    }
    const ImageHold hold{pool, image, LockMode::exclusive};
    finish_cut_clone(image);
    std::vector<std::filesystem::path> left{set_aside(image.entry)};
    remove_auxiliary_files(pool.places(), image.entry.parent_path(), name);
    forget_id_range(pool, name);
    return left;
}

std::vector<PoolImage> images_to_clean(const Pool& pool, bool all) {
    auto images = pool.list();
    std::erase_if(images, [all](const PoolImage& image) {
        return image.is_host() || image.is_vendors() || (!all && !image.is_hidden());
    });
    return images;
}

void mark_image_read_only(const Pool& pool, std::string_view name, bool read_only) {
    const PoolImage image = pool.get(name);
    refuse_to_change(image, read_only ? "make read-only" : "make writable");
    const ImageHold hold{pool, image, LockMode::exclusive};
    change_whether_read_only(image, read_only);
}

void mark_held_image_read_only(const Pool& pool, std::string_view name) {
    change_whether_read_only(pool.get(name), true);
}

void set_image_limit(const Pool& pool, std::string_view name, std::optional<std::uint64_t> bytes) {
    const PoolImage image = pool.get(name);
    refuse_to_change(image, "limit");
    if (image.type == ImageType::raw && bytes) {
        const ImageHold hold{pool, image, LockMode::exclusive};
        return grow_disk_image(image.path, *bytes);
    }
    if (image.type != ImageType::subvolume)
        throw Failure{FailureKind::not_supported,
                      "limit image '" + image.name + "': only btrfs subvolumes have limits, and disk images a size",
                      EOPNOTSUPP};
    btrfs::limit_subvolume(open_path(image.path, O_RDONLY | O_DIRECTORY), bytes);
}

void set_pool_limit(const Pool& pool, std::optional<std::uint64_t> bytes) {
    const auto& path = pool.places().new_images;
    const UniqueFd directory = open_path(path, O_RDONLY | O_DIRECTORY);
    if (!btrfs::is_subvolume(directory))
        throw Failure{FailureKind::not_supported, "limit '" + path.string() + "': only btrfs subvolumes have limits",
                      EOPNOTSUPP};
    btrfs::enable_quotas(directory);
    btrfs::limit_subvolume(directory, bytes);
}

} // namespace machinist
