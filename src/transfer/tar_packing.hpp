// SPDX-License-Identifier: LGPL-2.1-or-later
// A tree becomes a tar archive: pax form, numeric owners, names in order, so that equal trees become equal archives.
#pragma once

#include "base/unique_fd.hpp"
#include "transfer/output_stream.hpp"

#include <cstdint>
#include <functional>
#include <string_view>

namespace machinist {

struct PackingOptions {
    // bytes of the archive so far. What it throws ends the packing.
    std::function<void(std::uint64_t bytes)> progress;
    std::function<void(std::string_view sentence)> warn;
};

// Keeps what extract_tar() keeps; sockets, which mean nothing elsewhere, are left out. Nobody may write to the tree
// meanwhile: a file that changes is Failure(busy). The stream is not finished.
void pack_tar(BorrowedFd root, OutputStream& stream, const PackingOptions& options = {});

} // namespace machinist
