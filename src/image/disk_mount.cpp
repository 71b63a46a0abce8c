// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/disk_mount.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/disk_image.hpp"
#include "image/part_device.hpp"
#include "kernel/files.hpp"
#include "kernel/filesystem_growth.hpp"
#include "kernel/loop_device.hpp"
#include "kernel/mounts.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <linux/mount.h>
#include <thread>

namespace machinist {

namespace {

bool is_boot_partition(const DiskMount& mount) {
    return mount.places.size() > 1;
}

MountAttributes attributes_of(const DiskMount& mount, bool read_only) {
    MountAttributes attributes = MOUNT_ATTR_NODEV | (read_only ? MOUNT_ATTR_RDONLY : 0U);
    if (is_boot_partition(mount))
        attributes |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW;
    if (mount.places.front() == "/var/tmp")
        attributes |= MOUNT_ATTR_NOSUID;
    return attributes;
}

std::vector<std::pair<std::string, std::string>> options_of(const std::string& type, bool read_only) {
    std::vector<std::pair<std::string, std::string>> options;
    if (read_only)
        options.emplace_back("ro", "");
    // A superblock may ask for a panic of the host where something is wrong in it.
    if (type == "ext4")
        options.emplace_back("errors", "remount-ro");
    // Copies of one image may be mounted side by side.
    if (type == "xfs")
        options.emplace_back("nouuid", "");
    // Without this, what was not unmounted cannot be mounted from a device that may not be written.
    if (read_only && type == "ext4")
        options.emplace_back("noload", "");
    if (read_only && type == "xfs")
        options.emplace_back("norecovery", "");
    if (read_only && type == "btrfs")
        options.emplace_back("rescue", "nologreplay");
    if (type == "vfat")
        options.emplace_back("umask", "0077");
    return options;
}

struct MountedPart {
    UniqueFd mount;
    std::string filesystem;
    std::uint64_t size = 0;
};

MountedPart mount_part(BorrowedFd file, const DiskSpec& disk, const DiskMount& mount, bool read_only, DiskKeys& keys) {
    return doing("mount " + mount.name + " with " + escaped_for_people(mount.filesystem), [&] {
        const PartDevice device = open_part(file, disk, mount, read_only, keys);
        auto options = options_of(device.filesystem, read_only);
        options.emplace_back("source", device.path);
        UniqueFd made = make_filesystem(device.filesystem, {options, attributes_of(mount, read_only)});
        return MountedPart{std::move(made), device.filesystem, device.size};
    });
}

void grow(const MountedPart& made, const DiskMount& mount) {
    doing("grow " + mount.name, [&] {
        grow_filesystem(open_beneath(made.mount, ".", O_RDONLY | O_DIRECTORY, Links::refuse), made.filesystem,
                        made.size);
    });
}

// Nothing: it has no place in this tree.
std::optional<UniqueFd> place_of(BorrowedFd top, const DiskMount& mount, bool top_is_written) {
    if (is_boot_partition(mount)) {
        for (const auto& path : mount.places) {
            auto directory = open_beneath_if_exists(top, path, O_RDONLY | O_DIRECTORY, Links::refuse);
            std::error_code ignored;
            if (directory && std::filesystem::is_empty(path_of_descriptor(*directory), ignored))
                return directory;
        }
        return std::nullopt;
    }
    const auto& path = mount.places.front();
    if (auto directory = open_beneath_if_exists(top, path, O_PATH | O_DIRECTORY, Links::refuse))
        return directory;
    if (!top_is_written)
        throw Failure{FailureKind::not_found, "mount " + mount.name + ": the tree has no directory '" + path.string() +
                                                  "', and cannot be written"};
    return make_directories_beneath(top, path, 0755, Links::refuse);
}

// The device of a machine that has just ended may live for a moment longer than its last process.
void wait_for_other_writers(BorrowedFd file) {
    std::string other;
    for (int attempt = 0; attempt < 50; ++attempt) {
        other = loop_device_writing_to(file);
        if (other.empty())
            return;
        std::this_thread::sleep_for(std::chrono::milliseconds{40});
    }
    throw Failure{FailureKind::busy, "write to it: '" + other + "' writes to it already"}.try_instead(
        "losetup --detach " + other);
}

class DiskMounter {
public:
    DiskMounter(const DiskSpec& disk, DiskUse use, BorrowedFd file, DiskKeys& keys)
        : disk_(disk), use_(use), file_(file), keys_(keys) {}

    DiskTree mount_all(BorrowedFd target) {
        for (const DiskMount& one : disk_.mounts) {
            const bool is_root = one.places.front() == "/";
            if (!tree_.top) {
                tree_.top = is_root ? mount(one) : memory_as_top();
                top_is_written_ = !is_root || !is_read_only(one);
                attach_mount(tree_.top, target);
            }
            if (!is_root)
                mount_below(one);
        }
        return std::move(tree_);
    }

private:
    [[nodiscard]] bool is_read_only(const DiskMount& one) const {
        return one.read_only || use_ == DiskUse::read;
    }

    UniqueFd mount(const DiskMount& one) {
        MountedPart made = mount_part(file_, disk_, one, is_read_only(one), keys_);
        if (!one.grows || is_read_only(one))
            return std::move(made.mount);
        try {
            grow(made, one);
        } catch (const Failure& failure) {
            // It is as large as it was, which is no reason not to run.
            tree_.warnings.emplace_back(failure.what());
        }
        return std::move(made.mount);
    }

    void mount_below(const DiskMount& one) {
        const auto place = place_of(tree_.top, one, top_is_written_);
        if (!place)
            return;
        try {
            attach_mount(mount(one), *place);
        } catch (const Failure& failure) {
            // A machine does not need what firmware boots from: it starts as well where the kernel knows no FAT.
            if (!is_boot_partition(one) || failure.error_number() != ENODEV)
                throw;
            tree_.warnings.emplace_back(failure.what());
        }
    }

    static UniqueFd memory_as_top() {
        return make_filesystem("tmpfs",
                               {{{"source", "machinist-disk"}, {"mode", "0755"}, {"size", "4m"}}, MOUNT_ATTR_NODEV});
    }

    const DiskSpec& disk_;
    DiskUse use_;
    BorrowedFd file_;
    DiskKeys& keys_;
    DiskTree tree_;
    bool top_is_written_ = true;
};

} // namespace

DiskTree mount_disk(const std::filesystem::path& image, const DiskSpec& disk, DiskUse use, BorrowedFd target,
                    DiskKeys& keys) {
    return doing("mount disk image '" + escaped_for_people(image.native()) + "'", [&] {
        const bool is_written = use == DiskUse::write &&
                                std::ranges::any_of(disk.mounts, [](const DiskMount& one) { return !one.read_only; });
        const UniqueFd file = open_disk_image(image, is_written ? O_RDWR : O_RDONLY);
        if (is_written)
            wait_for_other_writers(file);
        return DiskMounter{disk, use, file, keys}.mount_all(target);
    });
}

void grow_disk_part(const std::filesystem::path& image, const DiskSpec& disk, const DiskMount& part) {
    DiskKeys none;
    grow(mount_part(open_disk_image(image, O_RDWR), disk, part, false, none), part);
}

} // namespace machinist
