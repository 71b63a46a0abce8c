// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/part_device.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/disk_image.hpp"
#include "image/disk_plan.hpp"
#include "image/disk_probe.hpp"
#include "image/disk_unlock.hpp"
#include "kernel/device_mapper.hpp"
#include "kernel/files.hpp"
#include "kernel/loop_device.hpp"
#include "kernel/random_suffix.hpp"
#include "kernel/thread_key.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::uint64_t sector = 512;

PartDevice device_of(MappedDevice mapped, std::string filesystem, const MappedTarget& target) {
    return {std::move(mapped.descriptor), std::move(mapped.path), std::move(filesystem), target.size, target.read_only};
}

// What it holds shows only now.
std::string filesystem_inside(BorrowedFd device, const DiskMount& part) {
    const DiskLayout layout = probe_disk(device);
    if (layout.table != PartitionTable::none || layout.filesystem.empty())
        throw Failure{FailureKind::invalid, "look into it: there is no filesystem in it"};
    if (!is_mountable(layout.filesystem))
        throw Failure{FailureKind::not_supported,
                      "look into it: it holds '" + escaped_for_people(layout.filesystem) + "'"};
    if (std::ranges::find(part.may_hold, layout.filesystem) == part.may_hold.end())
        throw Failure{FailureKind::not_permitted,
                      "use it by the image policy: it holds " + layout.filesystem + ", which the policy does not name"}
            .try_instead("another --image-policy");
    return layout.filesystem;
}

PartDevice open_encrypted(const LoopDevice& below, const DiskMount& part, bool read_only, DiskKeys& keys) {
    const LuksOpening& opening = keys.opening_of(part, below.descriptor);
    if (opening.offset >= part.size)
        throw Failure{FailureKind::hostile, "open it: its header says that its data begin behind its end"};
    std::string parameters = opening.cipher + " " + opening.key + " " + std::to_string(opening.first_iv) + " " +
                             device_number(below.descriptor) + " " + std::to_string(opening.offset / sector);
    std::vector<std::string> more;
    if (opening.allows_discards)
        more.emplace_back("allow_discards");
    if (opening.sector_size != sector)
        more.push_back("sector_size:" + std::to_string(opening.sector_size));
    if (!more.empty())
        parameters += " " + std::to_string(more.size()) + " " + joined(more, " ");
    const MappedTarget target{
        .type = "crypt",
        .size = (part.size - opening.offset) / opening.sector_size * opening.sector_size,
        .parameters = parameters,
        .read_only = read_only,
    };
    MappedDevice mapped = map_device(target);
    std::string filesystem = filesystem_inside(mapped.descriptor, part);
    return device_of(std::move(mapped), std::move(filesystem), target);
}

LoopDevice tree_of(BorrowedFd file, const DiskSpec& disk, const DiskVerity& verity) {
    if (verity.tree_file.empty())
        return attach_loop_device(
            file, {.offset = verity.tree_offset, .size = verity.tree_size, .sector_size = disk.sector_size});
    const UniqueFd tree = open_disk_image(verity.tree_file, O_RDONLY);
    return attach_loop_device(tree, {.offset = verity.tree_offset, .size = verity.tree_size});
}

// The kernel looks at what is read only: a wrong hash would show as an error of the disk, somewhere.
void check_first_block(BorrowedFd device, std::uint32_t size) {
    std::array<char, 65536> block;
    const ssize_t count = ::pread(device.get(), block.data(), std::min<std::size_t>(size, block.size()), 0);
    if (count < 0 && errno == EIO)
        throw Failure{FailureKind::not_permitted, "verify it: its bytes are not those of the root hash"};
    if (count < 0)
        throw system_failure("verify it");
}

PartDevice open_verified(BorrowedFd file, const DiskSpec& disk, const LoopDevice& below, const DiskMount& part) {
    const DiskVerity& verity = *part.verity;
    const LoopDevice tree = tree_of(file, disk, verity);
    const VerityOpening opening = read_hash_tree(tree.descriptor);
    const std::uint64_t size = opening.data_blocks * opening.data_block;
    if (size > part.size)
        throw Failure{FailureKind::hostile, "verify it: its tree of hashes is that of a larger filesystem"};
    std::string parameters = std::to_string(opening.version) + " " + device_number(below.descriptor) + " " +
                             device_number(tree.descriptor) + " " + std::to_string(opening.data_block) + " " +
                             std::to_string(opening.tree_block) + " " + std::to_string(opening.data_blocks) + " " +
                             std::to_string(opening.first_tree_block) + " " + opening.algorithm + " " +
                             verity.root_hash + " " + (opening.salt.empty() ? "-" : opening.salt);
    std::optional<ThreadKey> signature;
    if (!verity.signature.empty()) {
        signature.emplace("machinist:" + random_suffix(), verity.signature);
        parameters += " 2 root_hash_sig_key_desc " + signature->description();
    }
    const MappedTarget target{.type = "verity", .size = size, .parameters = parameters, .read_only = true};
    MappedDevice mapped = map_device(target);
    check_first_block(mapped.descriptor, opening.data_block);
    return device_of(std::move(mapped), part.filesystem, target);
}

// Before anybody is asked for a passphrase.
void require_device_mapper_for(DiskProtection protection) {
    if (protection == DiskProtection::none)
        return;
    try {
        require_device_mapper();
    } catch (Failure& failure) {
        const std::string remedy = "loading its module 'dm_mod'";
        throw failure.try_instead(protection == DiskProtection::luks
                                      ? remedy
                                      : remedy + ", or --image-policy=root=unprotected if the root hash is only in the "
                                                 "image itself: then nothing is verified");
    }
}

} // namespace

PartDevice open_part(BorrowedFd file, const DiskSpec& disk, const DiskMount& part, bool read_only, DiskKeys& keys) {
    require_device_mapper_for(part.protection);
    LoopDevice below = attach_loop_device(
        file, {.offset = part.offset, .size = part.size, .sector_size = disk.sector_size, .read_only = read_only});
    switch (part.protection) {
    case DiskProtection::none: break;
    case DiskProtection::luks: return open_encrypted(below, part, read_only, keys);
    case DiskProtection::verity: return open_verified(file, disk, below, part);
    }
    return {std::move(below.descriptor), std::move(below.path), part.filesystem, part.size, read_only};
}

} // namespace machinist
