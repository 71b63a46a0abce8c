// SPDX-License-Identifier: LGPL-2.1-or-later
// The bytes of a GUID partition table: what contradicts itself in them, and how they read on a larger disk. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist::dissect {

struct GptTable {
    std::string header;  // one sector
    std::string entries; // all of them, as many bytes as the header says
};

// Where the entries lie by this header, and how many bytes they are.
struct EntriesPlace {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
};
// header: the sector 1. Throws Failure(hostile) for one that cannot be true.
EntriesPlace entries_of_gpt(std::string_view header, std::uint32_t sector_size, std::uint64_t disk_size);

// Whether the sums of both parts are right.
bool is_whole(const GptTable& table);

// A sentence each: entries that end before they begin, or lie outside of what the header calls usable.
std::vector<std::string> faults_of_gpt(const GptTable& table);
std::size_t partitions_of_gpt(const GptTable& table);

struct Edit {
    std::uint64_t offset = 0;
    std::string bytes;
};
// What to write so that the table spans a disk of this many bytes and its last partition ends where that does. Both
// copies: the one at the new end first. Throws Failure(invalid) if that would be smaller.
std::vector<Edit> grown_gpt(const GptTable& table, std::uint32_t sector_size, std::uint64_t disk_size);

// Where an MBR, or a record of the same form in an extended partition, says that the next one lies: in sectors, from
// the first of them. Nothing if it names none.
std::optional<std::uint64_t> next_extended_record(std::string_view sector);

// The same for the four entries of an MBR. sector: the first of the disk.
std::vector<Edit> grown_mbr(std::string_view sector, std::uint64_t disk_size);

std::uint32_t crc32(std::string_view bytes);

} // namespace machinist::dissect
