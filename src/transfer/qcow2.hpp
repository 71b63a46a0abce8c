// SPDX-License-Identifier: LGPL-2.1-or-later
// Disk images in QEMU's format become plain ones. Nothing in them is trusted: no other file is ever opened, and each
// part of the file is used once (rule R16).
#pragma once

#include "base/unique_fd.hpp"
#include "transfer/compression.hpp"
#include "transfer/raw_copy.hpp"

namespace machinist {

inline constexpr std::size_t qcow2_magic_size = 4;
bool is_qcow2(Bytes beginning);

// The current state of the disk, without its snapshots. progress counts bytes of the disk, whose size it is told first.
// Throws Failure: not_supported for images that need another file, a key, or a newer reader; hostile for damaged ones.
void convert_qcow2(BorrowedFd from, BorrowedFd to, const std::function<void(std::uint64_t size)>& learn_size,
                   const CountBytes& progress);

} // namespace machinist
