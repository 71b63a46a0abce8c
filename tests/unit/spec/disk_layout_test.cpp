// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/disk_layout.hpp"

#include "base/failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace machinist {

using testing::HasSubstr;

namespace {

constexpr std::uint64_t mib = 1 << 20;

DiskLayout a_layout() {
    return {.table = PartitionTable::gpt,
            .size = 64 * mib,
            .partitions = {{.number = 1,
                            .type = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
                            .id = "2015c82f-8295-2846-b826-a66baacd64b3",
                            .label = "root 1\n\"x\"",
                            .attributes = partition_grows,
                            .offset = mib,
                            .size = 16 * mib,
                            .filesystem = "ext4"},
                           {.number = 2, .type = "0x83", .offset = 17 * mib, .size = mib}}};
}

std::string refusal_of(const DiskLayout& layout) {
    try {
        check_layout(layout);
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), FailureKind::hostile);
        return failure.what();
    }
    return "";
}

} // namespace

TEST(ADiskLayout, IsTheSameAfterItsText) {
    DiskLayout layout = a_layout();
    layout.faults = {"partition 3 ends before it begins"};

    EXPECT_EQ(parse_disk_layout(text_of(layout)), layout);
}

TEST(ADiskLayout, IsNotReadFromTextThatIsCutOffAnywhere) {
    const std::string whole = text_of(a_layout());

    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_EQ(parse_disk_layout(whole.substr(0, length)), std::nullopt) << length;
}

TEST(ADiskLayout, IsNotReadFromOtherText) {
    const auto text = [](const std::string& line) { return "machinist-disk-layout 1\n" + line + "\nend\n"; };

    for (const char* line : {"", "table", "table bsd", "size -1", "size 99999999999999999999", "sector 4294967296",
                             "filesystem ext4 x", "filesystem", "filesystem ../x", "partition 1 2 3", "surprise 1",
                             "partition 1 x - 0 1 1 - !", "partition 1 x\x01 - 0 1 1 - ", "fault !"})
        EXPECT_EQ(parse_disk_layout(text(line)), std::nullopt) << line;
    EXPECT_NE(parse_disk_layout(text("table gpt")), std::nullopt);
}

TEST(ADiskLayout, HasABoundedNumberOfPartitionsAndFaults) {
    DiskLayout layout = a_layout();
    layout.partitions.resize(most_partitions + 1, layout.partitions.back());
    EXPECT_EQ(parse_disk_layout(text_of(layout)), std::nullopt);

    layout = a_layout();
    layout.faults.assign(100, std::string(1000, 'x'));
    const auto read = parse_disk_layout(text_of(layout));
    ASSERT_NE(read, std::nullopt);
    EXPECT_EQ(read->faults.size(), 16U);
}

TEST(ADiskLayout, IsBelievedIfNothingContradicts) {
    EXPECT_EQ(refusal_of(a_layout()), "");
}

TEST(ADiskLayout, MustNotHaveOverlappingPartitions) {
    DiskLayout layout = a_layout();
    layout.partitions[1].offset = 16 * mib;

    EXPECT_THAT(refusal_of(layout), HasSubstr("partition 1 and partition 2 overlap"));
}

TEST(ADiskLayout, MustNotReachBeyondItsDisk) {
    DiskLayout layout = a_layout();
    layout.partitions[1].size = 48 * mib;
    EXPECT_THAT(refusal_of(layout), HasSubstr("partition 2 does not lie within the disk"));

    layout.partitions[1].size = UINT64_MAX - 511;
    EXPECT_THAT(refusal_of(layout), HasSubstr("partition 2 does not lie within the disk"));

    layout.partitions[1].offset = 0;
    EXPECT_THAT(refusal_of(layout), HasSubstr("partition 2 does not lie within the disk"));
}

TEST(ADiskLayout, MustNotRepeatANumber) {
    DiskLayout layout = a_layout();
    layout.partitions[1].number = 1;

    EXPECT_THAT(refusal_of(layout), HasSubstr("two of the number 1"));
}

TEST(ADiskLayout, ConsistsOfWholeSectorsOfAUsualSize) {
    DiskLayout layout = a_layout();
    layout.partitions[1].size += 1;
    EXPECT_THAT(refusal_of(layout), HasSubstr("whole sectors"));

    layout = a_layout();
    layout.sector_size = 513;
    EXPECT_THAT(refusal_of(layout), HasSubstr("513"));
}

TEST(ADiskLayout, IsNotBelievedAgainstItsFaults) {
    DiskLayout layout = a_layout();
    layout.faults = {"partition 3 ends before it begins"};

    EXPECT_THAT(refusal_of(layout), HasSubstr("partition 3 ends before it begins"));
}

} // namespace machinist
