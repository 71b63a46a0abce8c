// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/disk_probing.hpp"

#include "base/failure.hpp"
#include "written_disk.hpp"

#include <gmock/gmock.h>
#include <random>

namespace machinist::dissect {

using test::WrittenDisk;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

constexpr std::uint64_t mib = 1 << 20;

// What a caller gets: a layout that may be believed, or a refusal.
std::string refusal_of(const WrittenDisk& disk) {
    try {
        check_layout(probe(disk.disk()));
    } catch (const Failure& failure) {
        return failure.what();
    }
    return "";
}

} // namespace

TEST(AProbe, FindsThePartitionsOfAGpt) {
    WrittenDisk disk{8 * mib};
    disk.write_gpt({{2048, 4095}, {4096, 8191}});

    const DiskLayout layout = probe(disk.disk());

    EXPECT_EQ(layout.table, PartitionTable::gpt);
    ASSERT_EQ(layout.partitions.size(), 2U);
    EXPECT_EQ(layout.partitions[0].type, "4f68bce3-e8cd-4db1-96e7-fbcaf984b709");
    EXPECT_EQ(layout.partitions[1].offset, 2 * mib);
    EXPECT_EQ(layout.partitions[1].size, 2 * mib);
    EXPECT_THAT(layout.faults, IsEmpty());
}

TEST(AProbe, FindsThePartitionsOfAnMbr) {
    WrittenDisk disk{8 * mib};
    disk.write_mbr({{2048, 4095, 0x83, true}, {4096, 8191, 0xea}});

    const DiskLayout layout = probe(disk.disk());

    EXPECT_EQ(layout.table, PartitionTable::mbr);
    ASSERT_EQ(layout.partitions.size(), 2U);
    EXPECT_EQ(layout.partitions[0].type, "0x83");
    EXPECT_EQ(layout.partitions[0].attributes & partition_active, partition_active);
    EXPECT_EQ(layout.partitions[1].type, "0xea");
}

TEST(AProbe, FindsNothingWhereNothingIs) {
    const DiskLayout layout = probe(WrittenDisk{8 * mib}.disk());

    EXPECT_EQ(layout.table, PartitionTable::none);
    EXPECT_EQ(layout.filesystem, "");
    EXPECT_THROW((void)probe(WrittenDisk{0}.disk()), Failure);
}

TEST(AProbe, RefusesOverlappingPartitions) {
    WrittenDisk disk{8 * mib};
    disk.write_gpt({{2048, 8191}, {4096, 8191}});

    EXPECT_THAT(refusal_of(disk), HasSubstr("overlap"));
}

TEST(AProbe, RefusesPartitionsThatLibblkidPassesOver) {
    WrittenDisk disk{8 * mib};
    disk.write_gpt({{2048, 4095}, {4096, 1 << 20}});

    EXPECT_THAT(refusal_of(disk), HasSubstr("partition 2 lies outside"));
}

TEST(AProbe, ReadsTheSecondCopyWhereTheFirstIsDamaged) {
    WrittenDisk disk{8 * mib};
    disk.write_gpt({{2048, 4095}});
    disk.write(512, std::string(512, '\0'));

    EXPECT_EQ(refusal_of(disk), "");
    EXPECT_EQ(probe(disk.disk()).partitions.size(), 1U);
}

TEST(AProbe, RefusesAnMbrBeyondItsDisk) {
    WrittenDisk disk{8 * mib};
    disk.write_mbr({{2048, 1 << 20, 0x83, true}});

    EXPECT_THAT(refusal_of(disk), HasSubstr("does not lie within the disk"));
}

TEST(AProbe, RefusesACircleOfExtendedPartitions) {
    WrittenDisk disk{8 * mib};
    disk.write_mbr({{2048, 16383, 0x05}});
    std::string record(512, '\0');
    record[446 + 4] = static_cast<char>(0x83);
    test::put(record, 446 + 8, std::uint32_t{1});
    test::put(record, 446 + 12, std::uint32_t{8});
    record[462 + 4] = 0x05; // the next record is this one
    test::put(record, 462 + 8, std::uint32_t{0});
    test::put(record, 462 + 12, std::uint32_t{1000});
    record[510] = 0x55;
    record[511] = static_cast<char>(0xaa);
    disk.write(mib, record);

    EXPECT_THAT(refusal_of(disk), HasSubstr("in a circle"));
}

TEST(AProbe, AnswersWhateverBytesAreThere) {
    std::minstd_rand draw{20};
    WrittenDisk good{8 * mib};
    good.write_gpt({{2048, 4095}, {4096, 8191}});
    const std::string beginning = good.read(0, 34 * 512);
    for (int attempt = 0; attempt < 300; ++attempt) {
        std::string spoiled = beginning;
        for (int byte = 0; byte < 4; ++byte)
            spoiled[draw() % spoiled.size()] = static_cast<char>(draw());
        WrittenDisk disk{8 * mib};
        disk.write(0, spoiled);

        // Both are answers: what counts is that there is one, and that it may be believed.
        const std::string refused = refusal_of(disk);
        if (refused.empty()) {
            EXPECT_LE(probe(disk.disk()).partitions.size(), most_partitions);
        }
    }
}

} // namespace machinist::dissect
