// SPDX-License-Identifier: LGPL-2.1-or-later
// What was found on a disk image, as data: the table, its partitions, the filesystems in them. Also its text, by which
// the program that looks tells it. Nothing here is to be believed before check_layout().
#pragma once

#include "base/enum_names.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

enum class PartitionTable { none, gpt, mbr };
inline constexpr EnumNames<PartitionTable, 3> partition_table_names{
    {{PartitionTable::none, "none"}, {PartitionTable::gpt, "gpt"}, {PartitionTable::mbr, "mbr"}}};

// Of GPT, as the discoverable partitions specification uses them.
inline constexpr std::uint64_t partition_read_only = std::uint64_t{1} << 60;
inline constexpr std::uint64_t partition_grows = std::uint64_t{1} << 59;
inline constexpr std::uint64_t partition_not_automatic = std::uint64_t{1} << 63;
// Of MBR.
inline constexpr std::uint64_t partition_active = 0x80;

struct Partition {
    unsigned number = 0;
    std::string type; // GPT: a UUID in lower case; MBR: "0x83"
    std::string id;   // UUID in lower case; "" if it has none
    std::string label;
    std::uint64_t attributes = 0;
    std::uint64_t offset = 0; // bytes
    std::uint64_t size = 0;
    std::string filesystem; // as libblkid calls it; "" if it knows none
    friend bool operator==(const Partition&, const Partition&) = default;
};

struct DiskLayout {
    PartitionTable table = PartitionTable::none;
    std::uint64_t size = 0; // bytes of the whole
    std::uint32_t sector_size = 512;
    std::string filesystem; // without a table: of the whole
    std::vector<Partition> partitions;
    std::vector<std::string> faults; // what is wrong with the table itself, a sentence each
    friend bool operator==(const DiskLayout&, const DiskLayout&) = default;
};

inline constexpr std::size_t most_partitions = 128;
inline constexpr std::size_t longest_layout_text = 65536;

std::string text_of(const DiskLayout& layout);
// Nothing for any text that text_of() does not write.
std::optional<DiskLayout> parse_disk_layout(std::string_view text);

// Throws Failure(hostile) for a table whose partitions overlap, repeat each other or do not lie within the disk.
void check_layout(const DiskLayout& layout);

} // namespace machinist
