// SPDX-License-Identifier: LGPL-2.1-or-later
// Which partitions of a disk image may be there, which are used, and how they must be protected: the policy strings of
// systemd.image-policy(7).
#pragma once

#include "spec/partition_types.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

namespace policy {
// What may be of a partition.
inline constexpr unsigned verity = 1;
inline constexpr unsigned signed_ = 2;
inline constexpr unsigned encrypted = 4;
inline constexpr unsigned unprotected = 8;
inline constexpr unsigned unused = 16;
inline constexpr unsigned absent = 32;
inline constexpr unsigned open = verity | signed_ | encrypted | unprotected | unused | absent;
inline constexpr unsigned ignore = unused | absent;
// Which of its flags it may have.
inline constexpr unsigned read_only_off = 64;
inline constexpr unsigned read_only_on = 128;
inline constexpr unsigned growfs_off = 256;
inline constexpr unsigned growfs_on = 512;
// Which filesystems.
inline constexpr unsigned btrfs = 1U << 10;
inline constexpr unsigned erofs = 1U << 11;
inline constexpr unsigned ext4 = 1U << 12;
inline constexpr unsigned f2fs = 1U << 13;
inline constexpr unsigned squashfs = 1U << 14;
inline constexpr unsigned vfat = 1U << 15;
inline constexpr unsigned xfs = 1U << 16;
inline constexpr unsigned filesystems = btrfs | erofs | ext4 | f2fs | squashfs | vfat | xfs;
} // namespace policy

class ImagePolicy {
public:
    // Nothing for text that has no meaning.
    static std::optional<ImagePolicy> parse(std::string_view text);
    // Of systemd-nspawn, and ours.
    static ImagePolicy of_machines();

    // policy::* of a partition, each group of flags filled in where the text leaves it open.
    [[nodiscard]] unsigned flags_of(Designator designator) const;
    // As it would be written; parse() gives the same policy.
    [[nodiscard]] std::string text() const;

private:
    std::map<Designator, unsigned> rules_;
    std::optional<unsigned> default_;
};

// policy::* of a filesystem by its name; 0 for one that no policy names.
unsigned policy_of_filesystem(std::string_view name);

} // namespace machinist
