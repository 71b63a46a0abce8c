// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/disk_growth.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/disk_image.hpp"
#include "image/disk_mount.hpp"
#include "image/disk_probe.hpp"
#include "kernel/files.hpp"
#include "kernel/filesystem_growth.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

// What every sector size divides.
constexpr std::uint64_t granule = 4096;

// The filesystem at the end of the disk, which is the one that has room to grow into.
DiskMount last_of(const DiskSpec& disk, const DiskLayout& layout) {
    const auto last = std::ranges::max_element(layout.partitions, {}, &Partition::offset);
    const std::uint64_t offset = last == layout.partitions.end() ? 0 : last->offset;
    const auto found = std::ranges::find(disk.mounts, offset, &DiskMount::offset);
    if (found == disk.mounts.end())
        throw Failure{
            FailureKind::not_supported,
            "grow it: its last partition is none that machines mount, and there is no room behind the others"};
    if (!can_grow(found->filesystem))
        throw Failure{FailureKind::not_supported, "grow it: " + found->name + " holds " + found->filesystem +
                                                      ", which cannot grow (btrfs, ext4 and xfs can)"};
    return *found;
}

void write_edits(BorrowedFd file, const std::vector<DiskEdit>& edits) {
    for (const DiskEdit& edit : edits) {
        if (::pwrite(file.get(), edit.bytes.data(), edit.bytes.size(), static_cast<off_t>(edit.offset)) !=
            static_cast<ssize_t>(edit.bytes.size()))
            throw system_failure("write its partition table");
        // One copy of the table is whole at any time.
        if (::fdatasync(file.get()) < 0)
            throw system_failure("write its partition table");
    }
}

} // namespace

void grow_disk_image(const std::filesystem::path& image, std::uint64_t bytes) {
    doing("grow disk image '" + escaped_for_people(image.native()) + "'", [&] {
        const UniqueFd file = open_disk_image(image, O_RDWR);
        const struct stat status = status_of(file);
        if (!S_ISREG(status.st_mode))
            throw Failure{FailureKind::not_supported, "grow it: it is a block device"};
        const auto old_size = static_cast<std::uint64_t>(status.st_size);
        const std::uint64_t size = bytes > UINT64_MAX - granule ? 0 : (bytes + granule - 1) / granule * granule;
        if (size < old_size)
            throw Failure{FailureKind::invalid, "grow it to " + std::to_string(bytes) + " bytes: it has " +
                                                    std::to_string(old_size) + ", and is never made smaller"};
        const DiskLayout layout = read_disk_layout(image);
        (void)last_of(inspect_disk(image), layout);
        if (size > old_size) {
            const auto edits = plan_disk_growth(open_disk_image(image, O_RDONLY), size);
            if (::ftruncate(file.get(), static_cast<off_t>(size)) < 0)
                throw system_failure("make its file larger");
            write_edits(file, edits);
        }
        const DiskSpec disk = inspect_disk(image);
        grow_disk_part(image, disk, last_of(disk, read_disk_layout(image)));
    });
}

} // namespace machinist
