// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/disk_plan.hpp"

#include "base/failure.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace machinist {

using testing::ElementsAre;
using testing::HasSubstr;

namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr const char* root_x86_64 = "4f68bce3-e8cd-4db1-96e7-fbcaf984b709";
constexpr const char* root_x86 = "44479540-f297-41b2-9af7-d131d5f0458a";
constexpr const char* root_arm64 = "b921b045-1df0-41c3-af44-4c6f280d3fae";
constexpr const char* usr_x86_64 = "8484680c-9521-48c6-9c11-b0720656f69e";
constexpr const char* root_verity_x86_64 = "2c7357ed-ebd2-46d9-aec1-23d437ec2bf5";
constexpr const char* root_verity_sig_x86_64 = "41092b05-9fc8-4523-994f-2def0408b176";
constexpr const char* home_type = "933ac7e1-2eb4-4f13-b844-0e14e2aef915";
constexpr const char* esp_type = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
constexpr const char* swap_type = "0657fd6d-a4ab-43c4-84e5-0933c84b4f4f";
constexpr const char* foreign_type = "e3c9e316-0b5c-4db8-817d-f92df00215ae";
const std::string generic{generic_linux_type};

// Partitions of a mebibyte one after the other.
class Layout {
public:
    explicit Layout(PartitionTable table) {
        layout_.table = table;
        layout_.size = 256 * mib;
    }
    Layout& with(const std::string& type, const std::string& filesystem = "ext4", const std::string& label = "",
                 std::uint64_t attributes = 0, const std::string& id = "") {
        const auto number = static_cast<unsigned>(layout_.partitions.size() + 1);
        layout_.partitions.push_back({.number = number,
                                      .type = type,
                                      .id = id,
                                      .label = label,
                                      .attributes = attributes,
                                      .offset = number * mib,
                                      .size = mib,
                                      .filesystem = filesystem});
        return *this;
    }
    [[nodiscard]] const DiskLayout& layout() const {
        return layout_;
    }

private:
    DiskLayout layout_;
};

Layout gpt() {
    return Layout{PartitionTable::gpt};
}
Layout mbr() {
    return Layout{PartitionTable::mbr};
}

DiskRequest on_x86_64() {
    return {.native = "x86-64", .secondary = "x86"};
}

// "PLACE@PARTITION" of each mount.
std::vector<std::string> places(const Layout& layout, const DiskRequest& request = on_x86_64()) {
    std::vector<std::string> found;
    for (const DiskMount& mount : plan_disk(layout.layout(), request).mounts)
        found.push_back(mount.places.front().string() + "@" + std::to_string(mount.offset / mib));
    return found;
}

std::string refusal(const Layout& layout, FailureKind kind, const DiskRequest& request = on_x86_64()) {
    try {
        (void)plan_disk(layout.layout(), request);
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), kind) << failure.what();
        return failure.what();
    }
    return "it was not refused";
}

DiskRequest by_policy(const char* policy) {
    DiskRequest request = on_x86_64();
    request.policy = *ImagePolicy::parse(policy);
    return request;
}

} // namespace

TEST(ADisk, IsMountedByTheTypesOfItsPartitions) {
    EXPECT_THAT(
        places(gpt().with(esp_type, "vfat").with(home_type).with(root_x86_64).with(usr_x86_64).with(swap_type, "swap")),
        ElementsAre("/@3", "/usr@4", "/home@2", "/efi@1"));
}

TEST(ADisk, WithoutATableIsItsRoot) {
    DiskLayout layout;
    layout.size = 16 * mib;
    layout.filesystem = "squashfs";

    const DiskSpec spec = plan_disk(layout, on_x86_64());

    ASSERT_EQ(spec.mounts.size(), 1U);
    EXPECT_EQ(spec.mounts[0].offset, 0U);
    EXPECT_EQ(spec.mounts[0].size, 16 * mib);
    EXPECT_TRUE(spec.mounts[0].read_only);
}

TEST(ADisk, WithNothingOnItIsNone) {
    DiskLayout layout;
    layout.size = mib;

    EXPECT_THROW((void)plan_disk(layout, on_x86_64()), Failure);
}

TEST(TheRootOfADisk, IsThatOfTheNearestArchitecture) {
    EXPECT_THAT(places(gpt().with(root_arm64).with(root_x86).with(root_x86_64)), ElementsAre("/@3"));
    EXPECT_THAT(places(gpt().with(root_arm64).with(root_x86)), ElementsAre("/@2"));
    EXPECT_THAT(places(gpt().with(root_arm64)), ElementsAre("/@1"));
}

TEST(TheRootOfADisk, IsTheNewestByItsLabel) {
    EXPECT_THAT(places(gpt()
                           .with(root_x86_64, "ext4", "os_9")
                           .with(root_x86_64, "ext4", "os_10")
                           .with(root_x86_64, "ext4", "os_2")),
                ElementsAre("/@2"));
    EXPECT_THAT(places(gpt().with(root_x86, "ext4", "os_99").with(root_x86_64, "ext4", "os_1")), ElementsAre("/@2"));
}

TEST(TheRootOfADisk, IsTheFirstOfTheSameVersion) {
    EXPECT_THAT(places(gpt().with(root_x86_64).with(root_x86_64)), ElementsAre("/@1"));
}

TEST(TheRootOfADisk, IsAGenericLinuxPartitionIfThereIsNoOther) {
    EXPECT_THAT(places(gpt().with(foreign_type, "ntfs").with(generic)), ElementsAre("/@2"));
    EXPECT_THAT(places(gpt().with(generic).with(generic).with(root_x86_64)), ElementsAre("/@3"));
    EXPECT_THAT(refusal(gpt().with(generic).with(generic), FailureKind::invalid),
                HasSubstr("2 generic Linux partitions"));
}

TEST(TheRootOfADisk, OfMbrIsTheOneBootableLinuxPartition) {
    EXPECT_THAT(places(mbr().with("0x83").with("0x83", "ext4", "", partition_active)), ElementsAre("/@2"));
    EXPECT_THAT(refusal(mbr().with("0x83"), FailureKind::not_found), HasSubstr("bootable"));
    EXPECT_THAT(refusal(mbr().with("0x83", "ext4", "", partition_active).with("0x83", "ext4", "", partition_active),
                        FailureKind::invalid),
                HasSubstr("2 bootable Linux partitions"));
}

TEST(TheRootOfADisk, MayBeMissingWhereThereIsUsr) {
    EXPECT_THAT(places(gpt().with(usr_x86_64, "erofs")), ElementsAre("/usr@1"));
    EXPECT_THAT(refusal(gpt().with(home_type), FailureKind::not_found), HasSubstr("root"));
}

TEST(APartition, ThatIsNotAutomaticIsPassedOver) {
    EXPECT_THAT(places(gpt().with(root_x86_64, "ext4", "", partition_not_automatic).with(root_x86_64)),
                ElementsAre("/@2"));
}

TEST(APartition, IsReadOnlyByItsFlagOrItsFilesystem) {
    const DiskSpec spec = plan_disk(gpt()
                                        .with(root_x86_64, "ext4", "", partition_read_only | partition_grows)
                                        .with(usr_x86_64, "erofs")
                                        .with(home_type, "xfs", "", partition_grows)
                                        .layout(),
                                    on_x86_64());

    EXPECT_TRUE(spec.mounts[0].read_only);
    EXPECT_FALSE(spec.mounts[0].grows);
    EXPECT_TRUE(spec.mounts[1].read_only);
    EXPECT_FALSE(spec.mounts[2].read_only);
    EXPECT_TRUE(spec.mounts[2].grows);
}

TEST(APartition, WithAFilesystemThatMachinesAreNotMadeOfIsRefusedByName) {
    EXPECT_THAT(refusal(gpt().with(root_x86_64, "ntfs"), FailureKind::not_supported),
                AllOf(HasSubstr("partition 1 (root)"), HasSubstr("ntfs")));
    EXPECT_THAT(refusal(gpt().with(root_x86_64, ""), FailureKind::invalid), HasSubstr("no filesystem"));
}

TEST(APartition, ThatOverlapsAnotherIsHostile) {
    DiskLayout layout = gpt().with(root_x86_64).with(home_type).layout();
    layout.partitions[1].offset = layout.partitions[0].offset;

    EXPECT_THROW((void)plan_disk(layout, on_x86_64()), Failure);
}

TEST(TheImagePolicy, LeavesOutWhatIsUnused) {
    EXPECT_THAT(places(gpt().with(root_x86_64).with(home_type), by_policy("root=unprotected")), ElementsAre("/@1"));
}

TEST(TheImagePolicy, RefusesWhatMustBeAbsent) {
    EXPECT_THAT(refusal(gpt().with(root_x86_64).with(home_type), FailureKind::not_permitted,
                        by_policy("root=unprotected:home=absent")),
                HasSubstr("partition 2 (home) is there, and must not be"));
    EXPECT_THAT(refusal(gpt().with(root_x86_64).with(swap_type, "swap"), FailureKind::not_permitted,
                        by_policy("root=unprotected:swap=absent")),
                HasSubstr("swap"));
}

TEST(TheImagePolicy, RefusesWhatMustBeThereAndIsNot) {
    EXPECT_THAT(refusal(gpt().with(root_x86_64), FailureKind::not_permitted, by_policy("root=open:home=unprotected")),
                HasSubstr("its home partition is missing"));
}

TEST(TheImagePolicy, RefusesWhatIsNotProtectedEnough) {
    EXPECT_THAT(refusal(gpt().with(root_x86_64), FailureKind::not_permitted, by_policy("root=verity+signed")),
                HasSubstr("not protected"));
    EXPECT_THAT(refusal(gpt().with(root_x86_64), FailureKind::not_permitted, by_policy("root=encrypted")),
                HasSubstr("not protected"));
}

TEST(TheImagePolicy, ChoosesFilesystemsAndFlags) {
    EXPECT_THAT(refusal(gpt().with(root_x86_64), FailureKind::not_permitted, by_policy("root=erofs+squashfs")),
                HasSubstr("ext4"));
    EXPECT_THAT(refusal(gpt().with(root_x86_64), FailureKind::not_permitted, by_policy("root=open+read-only-on")),
                HasSubstr("read-only flag"));
    EXPECT_THAT(places(gpt().with(root_x86_64, "ext4", "", partition_read_only), by_policy("root=open+read-only-on")),
                ElementsAre("/@1"));
}

TEST(TheImagePolicy, ThatUsesNothingLeavesNoRoot) {
    EXPECT_THAT(refusal(gpt().with(root_x86_64), FailureKind::not_found, by_policy("-")), HasSubstr("root"));
}

TEST(AnEncryptedPartition, IsMarkedSo) {
    const DiskSpec spec = plan_disk(gpt().with(root_x86_64, "crypto_LUKS").layout(), on_x86_64());

    EXPECT_EQ(spec.mounts[0].protection, DiskProtection::luks);
    EXPECT_THAT(spec.mounts[0].may_hold, testing::Contains("ext4"));
    const DiskSpec narrow =
        plan_disk(gpt().with(root_x86_64, "crypto_LUKS").layout(), by_policy("root=encrypted+erofs"));
    EXPECT_THAT(narrow.mounts[0].may_hold, testing::ElementsAre("erofs"));
}

TEST(ARootHash, WantsPartitionsOfItsIds) {
    DiskRequest request = on_x86_64();
    const std::string hash = "00112233445566778899aabbccddeeffffeeddccbbaa99887766554433221100";
    request.root = VerityRequest{.root_hash = hash};
    const auto layout = [](const char* of_root, const char* of_tree) {
        return gpt()
            .with(root_x86_64, "erofs", "", 0, of_root)
            .with(root_verity_x86_64, "DM_verity_hash", "", 0, of_tree);
    };

    const DiskSpec spec = plan_disk(
        layout("00112233-4455-6677-8899-aabbccddeeff", "ffeeddcc-bbaa-9988-7766-554433221100").layout(), request);
    EXPECT_EQ(spec.mounts[0].protection, DiskProtection::verity);
    EXPECT_TRUE(spec.mounts[0].read_only);
    EXPECT_EQ(spec.mounts[0].verity->root_hash, hash);
    EXPECT_GT(spec.mounts[0].verity->tree_offset, spec.mounts[0].offset);
    EXPECT_GT(spec.mounts[0].verity->tree_size, 0);

    EXPECT_THAT(refusal(layout("10112233-4455-6677-8899-aabbccddeeff", "ffeeddcc-bbaa-9988-7766-554433221100"),
                        FailureKind::not_permitted, request),
                HasSubstr("not those of the root hash"));
    EXPECT_THAT(refusal(gpt().with(root_x86_64, "erofs"), FailureKind::not_found, request), HasSubstr("verity data"));
}

TEST(ARootHash, OfUsrIsThatOfItsOwnPartition) {
    DiskRequest request = on_x86_64();
    request.usr = VerityRequest{.root_hash = std::string(64, 'a'), .tree_file = "/images/web.verity"};

    const DiskSpec spec = plan_disk(gpt().with(root_x86_64, "ext4").with(usr_x86_64, "erofs").layout(), request);

    EXPECT_EQ(spec.mounts[0].protection, DiskProtection::none);
    EXPECT_EQ(spec.mounts[1].protection, DiskProtection::verity);
    EXPECT_EQ(spec.mounts[1].verity->tree_file, "/images/web.verity");
}

TEST(ARootHash, IsEnoughForAPolicyOfSignaturesWithASignatureOnly) {
    DiskRequest request = by_policy("root=signed");
    request.root = VerityRequest{.root_hash = std::string(64, 'a'), .tree_file = "/images/web.verity"};
    const auto disk =
        gpt().with(root_x86_64, "erofs").with(root_verity_x86_64, "DM_verity_hash").with(root_verity_sig_x86_64, "");
    EXPECT_THAT(refusal(disk, FailureKind::not_permitted, request), HasSubstr("not protected as it must be"));

    request.root->signature = "a signature";
    EXPECT_EQ(plan_disk(disk.layout(), request).mounts[0].verity->signature, "a signature");
}

} // namespace machinist
