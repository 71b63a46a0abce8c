// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/btrfs_quota.hpp"

#include "base/failure.hpp"

#include <cerrno>
#include <cstring>
#include <endian.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <sys/ioctl.h>

namespace machinist::btrfs {

std::optional<std::uint64_t> id_of_subvolume(BorrowedFd subvolume) {
    btrfs_ioctl_ino_lookup_args arguments{};
    arguments.objectid = BTRFS_FIRST_FREE_OBJECTID;
    if (::ioctl(subvolume.get(), BTRFS_IOC_INO_LOOKUP, &arguments) < 0)
        return std::nullopt;
    return arguments.treeid;
}

std::optional<Quota> quota_of(BorrowedFd subvolume) {
    const auto id = id_of_subvolume(subvolume);
    if (!id)
        return std::nullopt;
    btrfs_ioctl_search_args search{};
    search.key.tree_id = BTRFS_QUOTA_TREE_OBJECTID;
    search.key.min_type = BTRFS_QGROUP_STATUS_KEY;
    search.key.max_type = BTRFS_QGROUP_LIMIT_KEY;
    search.key.min_offset = search.key.max_offset = *id;
    search.key.max_transid = UINT64_MAX;
    search.key.nr_items = 256;
    if (::ioctl(subvolume.get(), BTRFS_IOC_TREE_SEARCH, &search) < 0)
        return std::nullopt; // ENOENT: there is no such tree while quotas are off

    std::optional<Quota> quota;
    std::optional<btrfs_qgroup_limit_item> limits;
    const char* at = search.buf;
    const char* const end = search.buf + sizeof search.buf;
    for (std::uint32_t item = 0; item < search.key.nr_items; ++item) {
        btrfs_ioctl_search_header header{};
        if (static_cast<std::size_t>(end - at) < sizeof header)
            break;
        std::memcpy(&header, at, sizeof header);
        at += sizeof header;
        if (static_cast<std::size_t>(end - at) < header.len)
            break;
        if (header.offset == *id && header.type == BTRFS_QGROUP_INFO_KEY &&
            header.len >= sizeof(btrfs_qgroup_info_item)) {
            btrfs_qgroup_info_item info{};
            std::memcpy(&info, at, sizeof info);
            quota = Quota{le64toh(info.rfer), le64toh(info.excl), {}, {}};
        } else if (header.offset == *id && header.type == BTRFS_QGROUP_LIMIT_KEY &&
                   header.len >= sizeof(btrfs_qgroup_limit_item)) {
            limits.emplace();
            std::memcpy(&*limits, at, sizeof *limits);
        }
        at += header.len;
    }
    if (quota && limits && (le64toh(limits->flags) & BTRFS_QGROUP_LIMIT_MAX_RFER) != 0)
        quota->limit = le64toh(limits->max_rfer);
    if (quota && limits && (le64toh(limits->flags) & BTRFS_QGROUP_LIMIT_MAX_EXCL) != 0)
        quota->limit_exclusive = le64toh(limits->max_excl);
    return quota;
}

void limit_subvolume(BorrowedFd subvolume, std::optional<std::uint64_t> bytes) {
    const auto id = id_of_subvolume(subvolume);
    btrfs_ioctl_qgroup_limit_args arguments{};
    arguments.qgroupid = id.value_or(0);
    arguments.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
    arguments.lim.max_rfer = bytes.value_or(UINT64_MAX);
    if (::ioctl(subvolume.get(), BTRFS_IOC_QGROUP_LIMIT, &arguments) == 0)
        return;
    if (errno == ENOTCONN || errno == EINVAL || errno == ENOENT)
        throw Failure{FailureKind::not_supported, "limit a subvolume: quotas are off on its filesystem", errno}
            .try_instead("'machinist set-limit BYTES', which turns them on for the pool");
    throw system_failure("limit a subvolume");
}

void enable_quotas(BorrowedFd directory) {
    btrfs_ioctl_quota_ctl_args arguments{};
    arguments.cmd = BTRFS_QUOTA_CTL_ENABLE;
    if (::ioctl(directory.get(), BTRFS_IOC_QUOTA_CTL, &arguments) < 0 && errno != EEXIST)
        throw system_failure("turn on quotas");
}

void make_subvolume_read_only(BorrowedFd subvolume, bool read_only) {
    std::uint64_t flags = 0;
    if (::ioctl(subvolume.get(), BTRFS_IOC_SUBVOL_GETFLAGS, &flags) < 0)
        throw system_failure("read the flags of a subvolume");
    const std::uint64_t wanted = read_only ? flags | BTRFS_SUBVOL_RDONLY : flags & ~std::uint64_t{BTRFS_SUBVOL_RDONLY};
    if (wanted != flags && ::ioctl(subvolume.get(), BTRFS_IOC_SUBVOL_SETFLAGS, &wanted) < 0)
        throw system_failure("change the flags of a subvolume");
}

} // namespace machinist::btrfs
