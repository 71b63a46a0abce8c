// SPDX-License-Identifier: LGPL-2.1-or-later
// What quotas of btrfs count for a subvolume, and allow it.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <optional>

namespace machinist::btrfs {

struct Quota {
    std::uint64_t usage = 0; // bytes that it refers to
    std::uint64_t usage_exclusive = 0;
    std::optional<std::uint64_t> limit;
    std::optional<std::uint64_t> limit_exclusive;
};

// Nothing if quotas are off, or nobody may know.
std::optional<Quota> quota_of(BorrowedFd subvolume);
// Nothing: no limit. Throws Failure(not_supported) if quotas are off.
void limit_subvolume(BorrowedFd subvolume, std::optional<std::uint64_t> bytes);
// Quotas are counted from now on. Throws Failure.
void enable_quotas(BorrowedFd directory);

// Nothing if it is not known.
std::optional<std::uint64_t> id_of_subvolume(BorrowedFd subvolume);
void make_subvolume_read_only(BorrowedFd subvolume, bool read_only);

} // namespace machinist::btrfs
