// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/disk_probing.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"

#include <array>
#include <blkid/blkid.h>
#include <cstdio>
#include <linux/fs.h>
#include <memory>
#include <set>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist::dissect {

namespace {

constexpr std::uint64_t blkid_sector = 512;
constexpr std::array<std::uint32_t, 4> sector_sizes{512, 1024, 2048, 4096};

struct FreeProbe {
    void operator()(blkid_probe probe) const {
        blkid_free_probe(probe);
    }
};
using Probe = std::unique_ptr<std::remove_pointer_t<blkid_probe>, FreeProbe>;

Probe probe_of(const Disk& disk, std::uint64_t offset, std::uint64_t size, std::uint32_t sector_size) {
    Probe probe{blkid_new_probe()};
    if (!probe || blkid_probe_set_device(probe.get(), disk.descriptor.get(), static_cast<blkid_loff_t>(offset),
                                         static_cast<blkid_loff_t>(size)) < 0)
        throw system_failure("prepare to look");
    blkid_probe_set_sectorsize(probe.get(), sector_size);
    blkid_probe_enable_superblocks(probe.get(), 1);
    blkid_probe_set_superblocks_flags(probe.get(), BLKID_SUBLKS_TYPE | BLKID_SUBLKS_USAGE);
    return probe;
}

std::string value_of(const Probe& probe, const char* name) {
    const char* value = nullptr;
    return blkid_probe_lookup_value(probe.get(), name, &value, nullptr) == 0 && value ? value : "";
}

enum class Answer { found, nothing, more_than_one };

Answer look(const Probe& probe) {
    constexpr int ambivalent = -2;
    switch (blkid_do_safeprobe(probe.get())) {
    case 0: return Answer::found;
    case 1: return Answer::nothing;
    case ambivalent: return Answer::more_than_one;
    default: throw system_failure("look at its bytes");
    }
}

// What holds files, or hides what does.
std::string filesystem_of(const Probe& probe) {
    const std::string usage = value_of(probe, "USAGE");
    return usage == "filesystem" || usage == "crypto" ? value_of(probe, "TYPE") : "";
}

std::string read_at(const Disk& disk, std::uint64_t offset, std::size_t size) {
    std::string bytes(size, '\0');
    const ssize_t count = ::pread(disk.descriptor.get(), bytes.data(), size, static_cast<off_t>(offset));
    bytes.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
    return bytes;
}

std::uint32_t sector_size_of(const Disk& disk) {
    if (disk.sector_size != 0)
        return disk.sector_size;
    for (const std::uint32_t size : sector_sizes)
        if (read_at(disk, size, 8) == "EFI PART")
            return size;
    return sector_sizes.front();
}

GptTable read_copy(const Disk& disk, std::uint32_t sector_size, std::uint64_t offset) {
    GptTable table{read_at(disk, offset, sector_size), ""};
    const EntriesPlace place = entries_of_gpt(table.header, sector_size, disk.size);
    table.entries = read_at(disk, place.offset, place.size);
    if (table.entries.size() != place.size || !is_whole(table))
        throw Failure{FailureKind::hostile, "read its GUID partition table: it is damaged"};
    return table;
}

// The second copy where the first is damaged, as libblkid and the kernel do it.
GptTable read_gpt(const Disk& disk, std::uint32_t sector_size) {
    try {
        return read_copy(disk, sector_size, sector_size);
    } catch (const Failure&) {
        return read_copy(disk, sector_size, (disk.size / sector_size - 1) * sector_size);
    }
}

std::string text_or_empty(const char* text) {
    return text ? text : "";
}

Partition describe_partition(blkid_partition found, PartitionTable table) {
    Partition one;
    one.number = static_cast<unsigned>(blkid_partition_get_partno(found));
    one.id = lower_case(text_or_empty(blkid_partition_get_uuid(found)));
    one.label = text_or_empty(blkid_partition_get_name(found));
    one.attributes = blkid_partition_get_flags(found);
    const auto start = static_cast<std::uint64_t>(blkid_partition_get_start(found));
    const auto size = static_cast<std::uint64_t>(blkid_partition_get_size(found));
    if (start > UINT64_MAX / blkid_sector || size > UINT64_MAX / blkid_sector)
        throw Failure{FailureKind::hostile,
                      "read its partition table: partition " + std::to_string(one.number) + " lies beyond all bounds"};
    one.offset = start * blkid_sector;
    one.size = size * blkid_sector;
    if (table == PartitionTable::gpt) {
        one.type = lower_case(text_or_empty(blkid_partition_get_type_string(found)));
        return one;
    }
    char type[8];
    std::snprintf(type, sizeof type, "0x%02x", static_cast<unsigned>(blkid_partition_get_type(found)) & 255U);
    one.type = type;
    return one;
}

void read_partitions(const Disk& disk, const Probe& probe, DiskLayout& layout) {
    blkid_partlist list = blkid_probe_get_partitions(probe.get());
    const int count = list ? blkid_partlist_numof_partitions(list) : 0;
    for (int at = 0; at < count; ++at) {
        blkid_partition found = blkid_partlist_get_partition(list, at);
        if (!found || blkid_partition_is_extended(found))
            continue;
        if (layout.partitions.size() == most_partitions) {
            layout.faults.push_back("it has more than " + std::to_string(most_partitions) + " partitions");
            return;
        }
        Partition one = describe_partition(found, layout.table);
        if (one.size > 0 && one.offset <= disk.size && one.size <= disk.size - one.offset) {
            const Probe inside = probe_of(disk, one.offset, one.size, layout.sector_size);
            // What two filesystems claim is nobody's.
            if (look(inside) == Answer::found)
                one.filesystem = filesystem_of(inside);
        }
        layout.partitions.push_back(std::move(one));
    }
}

// libblkid passes over what it does not like; that it was there is to be known.
void compare_with_bytes(const Disk& disk, DiskLayout& layout) {
    const GptTable table = read_gpt(disk, layout.sector_size);
    for (std::string& fault : faults_of_gpt(table))
        layout.faults.push_back(std::move(fault));
    if (layout.faults.empty() && partitions_of_gpt(table) != layout.partitions.size())
        layout.faults.emplace_back("not all of its partitions can be read");
}

// libblkid leaves a chain of extended partitions that leads back into itself, and says nothing.
void follow_extended_partitions(const Disk& disk, DiskLayout& layout) {
    std::set<std::uint64_t> seen;
    std::uint64_t first = 0;
    for (std::uint64_t at = 0; seen.insert(at).second;) {
        const auto next = next_extended_record(read_at(disk, at * blkid_sector, blkid_sector));
        if (!next)
            return;
        at = first + *next;
        if (first == 0)
            first = at;
        if (at >= disk.size / blkid_sector || seen.size() > most_partitions) {
            layout.faults.emplace_back("its extended partitions lead out of the disk or do not end");
            return;
        }
    }
    layout.faults.emplace_back("its extended partitions lead in a circle");
}

} // namespace

Disk describe(BorrowedFd descriptor) {
    const struct stat status = status_of(descriptor);
    Disk disk{descriptor};
    if (S_ISREG(status.st_mode)) {
        disk.size = static_cast<std::uint64_t>(status.st_size);
        return disk;
    }
    int sector_size = 0;
    if (!S_ISBLK(status.st_mode) || ::ioctl(descriptor.get(), BLKGETSIZE64, &disk.size) < 0 ||
        ::ioctl(descriptor.get(), BLKSSZGET, &sector_size) < 0)
        throw Failure{FailureKind::invalid, "look at it: it is neither a file nor a block device"};
    disk.sector_size = static_cast<std::uint32_t>(sector_size);
    return disk;
}

DiskLayout probe(const Disk& disk) {
    DiskLayout layout;
    layout.size = disk.size;
    layout.sector_size = sector_size_of(disk);
    if (disk.size == 0)
        throw Failure{FailureKind::invalid, "look at it: it is empty"};
    const Probe whole = probe_of(disk, 0, disk.size, layout.sector_size);
    blkid_probe_enable_partitions(whole.get(), 1);
    blkid_probe_set_partitions_flags(whole.get(), BLKID_PARTS_ENTRY_DETAILS);
    const Answer answer = look(whole);
    if (answer == Answer::more_than_one)
        throw Failure{FailureKind::hostile, "look at it: more than one filesystem or table claims it"}.try_instead(
            "wipefs, which shows them and removes the wrong one");
    if (answer == Answer::nothing)
        return layout;
    layout.filesystem = filesystem_of(whole);
    if (!layout.filesystem.empty())
        return layout;
    const std::string kind = value_of(whole, "PTTYPE");
    layout.table = kind == "gpt" ? PartitionTable::gpt : kind == "dos" ? PartitionTable::mbr : PartitionTable::none;
    if (layout.table == PartitionTable::none)
        throw Failure{FailureKind::not_supported,
                      "look at it: it holds '" + escaped_for_people(kind.empty() ? value_of(whole, "TYPE") : kind) +
                          "', which is neither GPT, MBR nor a filesystem"};
    read_partitions(disk, whole, layout);
    if (layout.table == PartitionTable::gpt)
        compare_with_bytes(disk, layout);
    else
        follow_extended_partitions(disk, layout);
    return layout;
}

std::vector<Edit> plan_growth(const Disk& disk, std::uint64_t new_size) {
    const DiskLayout layout = probe(disk);
    check_layout(layout);
    switch (layout.table) {
    case PartitionTable::none: break;
    case PartitionTable::gpt: return grown_gpt(read_gpt(disk, layout.sector_size), layout.sector_size, new_size);
    case PartitionTable::mbr: return grown_mbr(read_at(disk, 0, blkid_sector), new_size);
    }
    return {};
}

} // namespace machinist::dissect
