// SPDX-License-Identifier: LGPL-2.1-or-later
// Disks that tests write byte by byte: partition tables that are right, and then spoiled.
#pragma once

#include "base/unique_fd.hpp"
#include "dissect/disk_probing.hpp"
#include "dissect/gpt_table.hpp"

#include <cstdint>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace machinist::dissect::test {

struct WrittenPartition {
    std::uint64_t first = 0, last = 0; // sectors
    unsigned char type = 0x83;         // of MBR; of GPT the first byte of its type
    bool is_active = false;
};

template <typename Number>
void put(std::string& bytes, std::size_t at, Number number) {
    for (std::size_t byte = 0; byte < sizeof number; ++byte, number = static_cast<Number>(number >> 8))
        bytes.at(at + byte) = static_cast<char>(number & 255);
}

// In memory, zeroes where nothing was written.
class WrittenDisk {
public:
    explicit WrittenDisk(std::uint64_t size) : file_(::memfd_create("disk", MFD_CLOEXEC)) {
        resize(size);
    }
    void resize(std::uint64_t size) {
        EXPECT_EQ(::ftruncate(file_.get(), static_cast<off_t>(size)), 0);
        size_ = size;
    }
    void write(std::uint64_t offset, const std::string& bytes) {
        EXPECT_EQ(::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
                  static_cast<ssize_t>(bytes.size()));
    }
    [[nodiscard]] std::string read(std::uint64_t offset, std::size_t size) const {
        std::string bytes(size, '\0');
        EXPECT_EQ(::pread(file_.get(), bytes.data(), size, static_cast<off_t>(offset)), static_cast<ssize_t>(size));
        return bytes;
    }
    void write_mbr(const std::vector<WrittenPartition>& partitions) {
        std::string sector(512, '\0');
        put(sector, 440, std::uint32_t{0x12345678});
        std::size_t at = 446;
        for (const WrittenPartition& one : partitions) {
            sector[at] = static_cast<char>(one.is_active ? 0x80 : 0);
            sector[at + 4] = static_cast<char>(one.type);
            put(sector, at + 8, static_cast<std::uint32_t>(one.first));
            put(sector, at + 12, static_cast<std::uint32_t>(one.last - one.first + 1));
            at += 16;
        }
        sector[510] = 0x55;
        sector[511] = static_cast<char>(0xaa);
        write(0, sector);
    }
    // Both copies, with a protective MBR. entry_count: as the header tells it.
    void write_gpt(const std::vector<WrittenPartition>& partitions, std::uint32_t entry_count = 128) {
        const std::uint64_t sectors = size_ / 512;
        write_mbr({{.first = 1, .last = sectors - 1, .type = 0xee}});
        std::string entries(std::size_t{128} * 128, '\0');
        for (std::size_t at = 0; at < partitions.size(); ++at) {
            const std::size_t entry = at * 128;
            // The type of root partitions of x86-64, as it lies on disk.
            constexpr unsigned char type[] = {0xe3, 0xbc, 0x68, 0x4f, 0xcd, 0xe8, 0xb1, 0x4d,
                                              0x96, 0xe7, 0xfb, 0xca, 0xf9, 0x84, 0xb7, 0x09};
            for (std::size_t byte = 0; byte < sizeof type; ++byte)
                entries[entry + byte] = static_cast<char>(type[byte]);
            entries[entry + 16] = static_cast<char>(at + 1);
            put(entries, entry + 32, partitions[at].first);
            put(entries, entry + 40, partitions[at].last);
        }
        write_copy(entries, entry_count, 1, sectors - 1, 2);
        write_copy(entries, entry_count, sectors - 1, 1, sectors - 33);
    }
    [[nodiscard]] Disk disk() const {
        return {.descriptor = file_, .size = size_, .sector_size = 0};
    }

private:
    void write_copy(const std::string& entries, std::uint32_t count, std::uint64_t own, std::uint64_t other,
                    std::uint64_t entries_sector) {
        std::string header(512, '\0');
        header.replace(0, 8, "EFI PART");
        put(header, 8, std::uint32_t{0x00010000});
        put(header, 12, std::uint32_t{92});
        put(header, 24, own);
        put(header, 32, other);
        put(header, 40, std::uint64_t{34});
        put(header, 48, size_ / 512 - 34);
        header[56] = 1;
        put(header, 72, entries_sector);
        put(header, 80, count);
        put(header, 84, std::uint32_t{128});
        put(header, 88, crc32(entries.substr(0, std::size_t{count} * 128)));
        put(header, 16, crc32(header.substr(0, 92)));
        write(entries_sector * 512, entries);
        write(own * 512, header);
    }

    UniqueFd file_;
    std::uint64_t size_ = 0;
};

} // namespace machinist::dissect::test
