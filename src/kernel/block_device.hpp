// SPDX-License-Identifier: LGPL-2.1-or-later
// What a block device tells of itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace machinist {

struct BlockDeviceFacts {
    std::uint64_t size = 0; // bytes
    bool read_only = false;
};

// Nothing if it cannot be opened.
std::optional<BlockDeviceFacts> read_block_device_facts(const std::filesystem::path& path);
// Throws Failure.
void make_block_device_read_only(const std::filesystem::path& path, bool read_only);

} // namespace machinist
