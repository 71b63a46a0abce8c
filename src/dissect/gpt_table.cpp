// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/gpt_table.hpp"

#include "base/failure.hpp"

#include <algorithm>
#include <array>
#include <concepts>

namespace machinist::dissect {

namespace {

constexpr std::string_view signature = "EFI PART";
constexpr std::size_t smallest_header = 92;
constexpr std::size_t smallest_entry = 128;
constexpr std::uint64_t largest_table = 65536;

// Offsets in the header.
constexpr std::size_t header_size_at = 12, header_sum_at = 16, own_sector_at = 24, other_sector_at = 32,
                      first_usable_at = 40, last_usable_at = 48, entries_sector_at = 72, entry_count_at = 80,
                      entry_size_at = 84, entries_sum_at = 88;
// Offsets in an entry.
constexpr std::size_t first_sector_at = 32, last_sector_at = 40;

// Of an MBR.
constexpr std::size_t sector_of_mbr = 512, first_mbr_entry = 446, mbr_entry_size = 16,
                      last_mbr_entry = first_mbr_entry + 4 * mbr_entry_size, mbr_type_at = 4, mbr_start_at = 8;

bool is_extended(char type) {
    constexpr std::array<unsigned char, 3> types{0x05, 0x0f, 0x85};
    return std::ranges::find(types, static_cast<unsigned char>(type)) != types.end();
}

template <std::unsigned_integral Number>
Number number_at(std::string_view bytes, std::size_t at) {
    Number number = 0;
    for (std::size_t byte = sizeof number; byte > 0; --byte)
        number = static_cast<Number>(number << 8 | static_cast<unsigned char>(bytes.at(at + byte - 1)));
    return number;
}

template <std::unsigned_integral Number>
void put_number(std::string& bytes, std::size_t at, Number number) {
    for (std::size_t byte = 0; byte < sizeof number; ++byte, number = static_cast<Number>(number >> 8))
        bytes.at(at + byte) = static_cast<char>(number & 255);
}

[[noreturn]] void refuse(const std::string& why) {
    throw Failure{FailureKind::hostile, "read its GUID partition table: " + why};
}

struct Entry {
    std::size_t at = 0; // in the bytes of all
    std::uint64_t first = 0, last = 0;
};

std::vector<Entry> used_entries(const GptTable& table) {
    std::vector<Entry> used;
    const std::size_t size = number_at<std::uint32_t>(table.header, entry_size_at);
    for (std::size_t at = 0; at + size <= table.entries.size(); at += size) {
        const std::string_view entry{table.entries.data() + at, size};
        if (std::ranges::any_of(entry.substr(0, 16), [](char byte) { return byte != 0; }))
            used.push_back({at, number_at<std::uint64_t>(entry, first_sector_at),
                            number_at<std::uint64_t>(entry, last_sector_at)});
    }
    return used;
}

void sign(std::string& header, std::string_view entries) {
    put_number(header, entries_sum_at, crc32(entries));
    put_number(header, header_sum_at, std::uint32_t{0});
    const auto size = number_at<std::uint32_t>(header, header_size_at);
    put_number(header, header_sum_at, crc32(std::string_view{header}.substr(0, size)));
}

} // namespace

std::uint32_t crc32(std::string_view bytes) {
    std::uint32_t sum = ~std::uint32_t{0};
    for (const char byte : bytes) {
        sum ^= static_cast<unsigned char>(byte);
        for (int bit = 0; bit < 8; ++bit)
            sum = sum >> 1 ^ ((sum & 1) != 0 ? 0xEDB88320U : 0U);
    }
    return ~sum;
}

EntriesPlace entries_of_gpt(std::string_view header, std::uint32_t sector_size, std::uint64_t disk_size) {
    if (header.size() < smallest_header || !header.starts_with(signature))
        refuse("it is damaged");
    const auto header_size = number_at<std::uint32_t>(header, header_size_at);
    if (header_size < smallest_header || header_size > header.size())
        refuse("its header has " + std::to_string(header_size) + " bytes");
    const std::uint64_t count = number_at<std::uint32_t>(header, entry_count_at);
    const std::uint64_t size = number_at<std::uint32_t>(header, entry_size_at);
    if (size < smallest_entry || size % 8 != 0 || size > largest_table)
        refuse("its entries have " + std::to_string(size) + " bytes");
    if (count == 0 || count > largest_table / size)
        refuse("it has " + std::to_string(count) + " entries, more than the " + std::to_string(largest_table / size) +
               " that are looked at");
    const auto sector = number_at<std::uint64_t>(header, entries_sector_at);
    if (sector < 2 || sector > disk_size / sector_size || count * size > disk_size - sector * sector_size)
        refuse("its entries do not lie within the disk");
    return {sector * sector_size, count * size};
}

bool is_whole(const GptTable& table) {
    std::string header = table.header.substr(0, number_at<std::uint32_t>(table.header, header_size_at));
    put_number(header, header_sum_at, std::uint32_t{0});
    return number_at<std::uint32_t>(table.header, header_sum_at) == crc32(header) &&
           number_at<std::uint32_t>(table.header, entries_sum_at) == crc32(table.entries);
}

std::vector<std::string> faults_of_gpt(const GptTable& table) {
    std::vector<std::string> faults;
    const auto first = number_at<std::uint64_t>(table.header, first_usable_at);
    const auto last = number_at<std::uint64_t>(table.header, last_usable_at);
    const std::size_t size = number_at<std::uint32_t>(table.header, entry_size_at);
    for (const Entry& entry : used_entries(table)) {
        const std::string name = "partition " + std::to_string(entry.at / size + 1);
        if (entry.first > entry.last)
            faults.push_back(name + " ends before it begins");
        else if (entry.first < first || entry.last > last)
            faults.push_back(name + " lies outside of the space for partitions");
    }
    return faults;
}

std::size_t partitions_of_gpt(const GptTable& table) {
    return used_entries(table).size();
}

std::vector<Edit> grown_gpt(const GptTable& table, std::uint32_t sector_size, std::uint64_t disk_size) {
    const std::uint64_t sectors = disk_size / sector_size;
    const std::uint64_t entry_sectors = (table.entries.size() + sector_size - 1) / sector_size;
    const auto old_last = number_at<std::uint64_t>(table.header, last_usable_at);
    if (sectors < entry_sectors + 3 || sectors - entry_sectors - 2 < old_last)
        throw Failure{FailureKind::invalid, "grow its partition table: it has its size or more already"};
    const std::uint64_t last_usable = sectors - entry_sectors - 2;

    GptTable grown = table;
    auto used = used_entries(table);
    const auto last = std::ranges::max_element(used, {}, &Entry::last);
    if (last == used.end())
        throw Failure{FailureKind::invalid, "grow its last partition: it has none"};
    put_number(grown.entries, last->at + last_sector_at, last_usable);
    put_number(grown.header, last_usable_at, last_usable);
    put_number(grown.header, own_sector_at, std::uint64_t{1});
    put_number(grown.header, other_sector_at, sectors - 1);
    sign(grown.header, grown.entries);

    std::string copy = grown.header;
    put_number(copy, own_sector_at, sectors - 1);
    put_number(copy, other_sector_at, std::uint64_t{1});
    put_number(copy, entries_sector_at, sectors - 1 - entry_sectors);
    sign(copy, grown.entries);

    // The copy at the end may be the one that was whole: then the first begins where it always does.
    const bool is_first_copy = number_at<std::uint64_t>(table.header, own_sector_at) == 1;
    const std::uint64_t entries_at =
        (is_first_copy ? number_at<std::uint64_t>(table.header, entries_sector_at) : 2) * sector_size;
    put_number(grown.header, entries_sector_at, entries_at / sector_size);
    sign(grown.header, grown.entries);
    return {{(sectors - 1 - entry_sectors) * sector_size, grown.entries},
            {(sectors - 1) * sector_size, copy},
            {entries_at, grown.entries},
            {sector_size, grown.header}};
}

std::optional<std::uint64_t> next_extended_record(std::string_view sector) {
    if (sector.size() < sector_of_mbr || !sector.ends_with("\x55\xaa"))
        return std::nullopt;
    for (std::size_t at = first_mbr_entry; at < last_mbr_entry; at += mbr_entry_size)
        if (is_extended(sector.at(at + mbr_type_at)))
            return number_at<std::uint32_t>(sector, at + mbr_start_at);
    return std::nullopt;
}

std::vector<Edit> grown_mbr(std::string_view sector, std::uint64_t disk_size) {
    constexpr std::size_t count_at = 12;
    std::size_t last = 0;
    std::uint64_t last_end = 0;
    for (std::size_t at = first_mbr_entry; at < last_mbr_entry; at += mbr_entry_size) {
        const std::uint64_t end = std::uint64_t{number_at<std::uint32_t>(sector, at + mbr_start_at)} +
                                  number_at<std::uint32_t>(sector, at + count_at);
        if (sector.at(at + mbr_type_at) != 0 && end > last_end) {
            last = at;
            last_end = end;
        }
    }
    if (last_end == 0)
        throw Failure{FailureKind::invalid, "grow its last partition: it has none"};
    if (is_extended(sector.at(last + mbr_type_at)))
        throw Failure{FailureKind::not_supported, "grow its last partition: it is an extended one"};
    const std::uint64_t start = number_at<std::uint32_t>(sector, last + mbr_start_at);
    // What 32 bits can count is the most that this kind of table knows.
    const std::uint64_t count = std::min<std::uint64_t>(disk_size / sector_of_mbr - start, UINT32_MAX);
    if (disk_size / sector_of_mbr < last_end)
        throw Failure{FailureKind::invalid, "grow its partition table: it has its size or more already"};
    std::string entry{sector.substr(last, mbr_entry_size)};
    put_number(entry, count_at, static_cast<std::uint32_t>(count));
    return {{last, entry}};
}

} // namespace machinist::dissect
