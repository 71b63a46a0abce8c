// SPDX-License-Identifier: LGPL-2.1-or-later
#include "dissect/gpt_table.hpp"

#include "base/failure.hpp"
#include "written_disk.hpp"

#include <gmock/gmock.h>

namespace machinist::dissect {

using test::WrittenDisk;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

constexpr std::uint64_t mib = 1 << 20;

GptTable table_of(const WrittenDisk& disk) {
    GptTable table{disk.read(512, 512), ""};
    const EntriesPlace place = entries_of_gpt(table.header, 512, disk.disk().size);
    table.entries = disk.read(place.offset, place.size);
    return table;
}

} // namespace

TEST(ACrc, IsThatOfTheStandard) {
    EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
    EXPECT_EQ(crc32(""), 0U);
}

TEST(AGpt, HasTheEntriesThatItsHeaderNames) {
    WrittenDisk disk{8 * mib};
    disk.write_gpt({{2048, 4095}, {4096, 8191}});

    const GptTable table = table_of(disk);

    EXPECT_EQ(partitions_of_gpt(table), 2U);
    EXPECT_THAT(faults_of_gpt(table), IsEmpty());
}

TEST(AGpt, TellsWhichEntriesCannotBe) {
    WrittenDisk disk{8 * mib};
    disk.write_gpt({{4095, 2048}, {2048, 1 << 20}, {3, 100}, {4096, 4097}});

    EXPECT_THAT(faults_of_gpt(table_of(disk)),
                ElementsAre("partition 1 ends before it begins", "partition 2 lies outside of the space for partitions",
                            "partition 3 lies outside of the space for partitions"));
}

TEST(AGpt, IsRefusedIfItsHeaderCannotBe) {
    WrittenDisk disk{8 * mib};
    disk.write_gpt({{2048, 4095}});
    const std::string good = disk.read(512, 512);
    const auto refused = [&](std::size_t at, auto number) {
        std::string header = good;
        test::put(header, at, number);
        EXPECT_THROW((void)entries_of_gpt(header, 512, 8 * mib), Failure) << at << " " << number;
    };

    for (const std::uint32_t size : {0U, 91U, 513U, UINT32_MAX})
        refused(12, size);
    for (const std::uint64_t sector :
         {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{16384}, UINT64_MAX, UINT64_MAX / 512})
        refused(72, sector);
    for (const std::uint32_t count : {0U, 513U, 1U << 24, UINT32_MAX})
        refused(80, count);
    for (const std::uint32_t size : {0U, 127U, 129U, 1U << 17, UINT32_MAX})
        refused(84, size);
    EXPECT_THROW((void)entries_of_gpt("", 512, 8 * mib), Failure);
    EXPECT_THROW((void)entries_of_gpt(std::string(512, '\0'), 512, 8 * mib), Failure);
}

TEST(AGrownGpt, IsWhatLibblkidReadsOnTheLargerDisk) {
    WrittenDisk disk{8 * mib};
    disk.write_gpt({{2048, 4095}, {4096, 8191}});
    const auto edits = grown_gpt(table_of(disk), 512, 32 * mib);

    disk.resize(32 * mib);
    for (const Edit& edit : edits)
        disk.write(edit.offset, edit.bytes);
    const DiskLayout layout = probe(disk.disk());

    EXPECT_THAT(layout.faults, IsEmpty());
    ASSERT_EQ(layout.partitions.size(), 2U);
    EXPECT_EQ(layout.partitions[0].size, mib);
    EXPECT_EQ(layout.partitions[1].offset, 2 * mib);
    EXPECT_EQ(layout.partitions[1].size, 30 * mib - 33 * 512);
}

TEST(AGrownGpt, HasASecondCopyThatIsAsGood) {
    WrittenDisk disk{8 * mib};
    disk.write_gpt({{2048, 4095}});
    const auto edits = grown_gpt(table_of(disk), 512, 32 * mib);

    ASSERT_EQ(edits.size(), 4U);
    // Until the first copy is written last, the old table stays what it was.
    EXPECT_EQ(edits[0].offset, 32 * mib - 33 * 512);
    EXPECT_EQ(edits[1].offset, 32 * mib - 512);
    EXPECT_EQ(edits[3].offset, 512U);
    disk.resize(32 * mib);
    for (const Edit& edit : edits)
        disk.write(edit.offset, edit.bytes);
    const std::string copy = disk.read(32 * mib - 512, 512);
    EXPECT_EQ(entries_of_gpt(copy, 512, 32 * mib).offset, 32 * mib - 33 * 512);
    std::string unsigned_copy = copy.substr(0, 92);
    test::put(unsigned_copy, 16, std::uint32_t{0});
    std::string sum(4, '\0');
    test::put(sum, 0, crc32(unsigned_copy));
    EXPECT_EQ(copy.substr(16, 4), sum);
}

TEST(AGrownGpt, IsNeverSmaller) {
    WrittenDisk disk{8 * mib};
    disk.write_gpt({{2048, 4095}});

    EXPECT_THROW((void)grown_gpt(table_of(disk), 512, 7 * mib), Failure);
    EXPECT_THROW((void)grown_gpt(table_of(disk), 512, 0), Failure);
}

TEST(AGrownMbr, ChangesItsLastPartitionOnly) {
    WrittenDisk disk{8 * mib};
    disk.write_mbr({{4096, 8191, 0x83, true}, {2048, 4095}});

    const auto edits = grown_mbr(disk.read(0, 512), 32 * mib);

    ASSERT_EQ(edits.size(), 1U);
    EXPECT_EQ(edits[0].offset, 446U);
    disk.resize(32 * mib);
    disk.write(edits[0].offset, edits[0].bytes);
    const DiskLayout layout = probe(disk.disk());
    EXPECT_EQ(layout.partitions.at(0).size, 30 * mib);
    EXPECT_EQ(layout.partitions.at(1).size, mib);
}

TEST(AGrownMbr, LeavesAnExtendedPartitionAlone) {
    WrittenDisk disk{8 * mib};
    disk.write_mbr({{2048, 4095}, {4096, 8191, 0x05}});

    EXPECT_THROW((void)grown_mbr(disk.read(0, 512), 32 * mib), Failure);
    EXPECT_THROW((void)grown_mbr(std::string(512, '\0'), 32 * mib), Failure);
}

} // namespace machinist::dissect
