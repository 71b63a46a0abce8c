// SPDX-License-Identifier: LGPL-2.1-or-later
// Disk images, byte by byte: what is zero takes no room.
#pragma once

#include "base/unique_fd.hpp"
#include "transfer/compression.hpp"
#include "transfer/input_stream.hpp"

#include <cstdint>
#include <functional>

namespace machinist {

using CountBytes = std::function<void(std::uint64_t bytes)>;

// No image is larger; more is a mistake or an attack.
inline constexpr std::uint64_t largest_disk = std::uint64_t{64} << 40;

// Zeros are left as holes of a file that is empty there.
void write_sparse(BorrowedFd file, Bytes bytes, std::uint64_t offset);
// The stream from first on becomes the file. Throws Failure(hostile) above largest_disk.
void copy_stream_to_disk(Bytes first, InputStream& stream, BorrowedFd to, const CountBytes& progress);
// A file becomes another, sharing extents where the filesystem can; holes stay holes.
void copy_disk(BorrowedFd from, BorrowedFd to, const CountBytes& progress);

} // namespace machinist
