// SPDX-License-Identifier: LGPL-2.1-or-later
// Disk images that tell their root hash themselves, looked at by the program in its sandbox.
#include "base/failure.hpp"
#include "image/disk_image.hpp"
#include "kernel/process.hpp"
#include "spec/partition_types.hpp"
#include "unit/temporary_directory.hpp"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace machinist {

using machinist::testing::TemporaryDirectory;
using ::testing::HasSubstr;

namespace {

constexpr std::uint64_t mib = 1 << 20;
const std::string hash = std::string(32, 'a') + std::string(32, 'b');
const std::string document = R"({"rootHash":")" + hash + R"(","signature":"AAEC"})";

class ADiskWithASignaturePartition : public ::testing::Test {
protected:
    void SetUp() override {
        if (native_architecture() != std::string_view{"x86-64"})
            GTEST_SKIP() << "its partitions are those of x86-64";
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        if (::access("/usr/sbin/sfdisk", X_OK) < 0 && ::access("/sbin/sfdisk", X_OK) < 0)
            GTEST_SKIP() << "needs sfdisk";
        const ProgramResult result =
            run_program({"/bin/sh", "-ec",
                         "PATH=$PATH:/usr/sbin:/sbin; exec 2>&1; cd \"$0\"; truncate -s 2M root; mkfs.ext4 -q root; "
                         "truncate -s 16M web.raw; printf 'label: gpt\\n"
                         "start=1MiB, size=2MiB, type=4f68bce3-e8cd-4db1-96e7-fbcaf984b709, "
                         "uuid=aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa\\n"
                         "start=3MiB, size=1MiB, type=2c7357ed-ebd2-46d9-aec1-23d437ec2bf5, "
                         "uuid=bbbbbbbb-bbbb-bbbb-bbbb-bbbbbbbbbbbb\\n"
                         "start=4MiB, size=8MiB, type=41092b05-9fc8-4523-994f-2def0408b176\\n' | sfdisk -q web.raw; "
                         "dd if=root of=web.raw bs=1M seek=1 conv=notrunc status=none",
                         place_.path().string()});
        ASSERT_EQ(result.status, 0) << result.output;
    }
    // The partition becomes as small as signature partitions are.
    void shrink_the_partition() const {
        const ProgramResult result = run_program(
            {"/bin/sh", "-ec", "PATH=$PATH:/usr/sbin:/sbin; exec 2>&1; printf ',16KiB\\n' | sfdisk -q -N 3 \"$0\"",
             disk_.string()});
        ASSERT_EQ(result.status, 0) << result.output;
    }
    void sign(const std::string& text) const {
        shrink_the_partition();
        std::fstream file{disk_, std::ios::binary | std::ios::in | std::ios::out};
        file.seekp(4 * mib);
        file << text;
    }
    [[nodiscard]] DiskSpec by_policy(const char* policy) const {
        return inspect_disk(disk_, {.policy = ImagePolicy::parse(policy)});
    }
    [[nodiscard]] std::string refusal(const DiskWishes& wishes = {}) const {
        try {
            (void)inspect_disk(disk_, wishes);
        } catch (const Failure& failure) {
            EXPECT_NE(failure.kind(), FailureKind::internal) << failure.what();
            return failure.what();
        }
        return "nothing was refused";
    }

    TemporaryDirectory place_;
    std::filesystem::path disk_ = place_.path() / "web.raw";
};

} // namespace

TEST_F(ADiskWithASignaturePartition, IsVerifiedByTheHashInIt) {
    sign(document);

    const DiskSpec spec = inspect_disk(disk_);

    ASSERT_EQ(spec.mounts.size(), 1U);
    EXPECT_EQ(spec.mounts[0].protection, DiskProtection::verity);
    EXPECT_EQ(spec.mounts[0].verity->root_hash, hash);
    EXPECT_EQ(spec.mounts[0].verity->tree_offset, 3 * mib);
    // Nobody asked for the certificate of whoever signed.
    EXPECT_EQ(spec.mounts[0].verity->signature, "");
}

TEST_F(ADiskWithASignaturePartition, HasItsSignatureVerifiedWhereThePolicyWantsOne) {
    sign(document);

    EXPECT_EQ(by_policy("root=signed").mounts[0].verity->signature, (std::string{"\0\1\2", 3}));
    EXPECT_EQ(by_policy("root=signed+verity").mounts[0].verity->signature, "");
}

TEST_F(ADiskWithASignaturePartition, IsNotVerifiedByThePolicyOfOneWhoDoesNotWantIt) {
    sign("no document at all");

    EXPECT_EQ(by_policy("root=unprotected").mounts[0].protection, DiskProtection::none);
}

TEST_F(ADiskWithASignaturePartition, ThatIsEmptyHasNotBeenSigned) {
    shrink_the_partition();

    EXPECT_EQ(inspect_disk(disk_).mounts[0].protection, DiskProtection::none);
    EXPECT_THAT(refusal({.policy = ImagePolicy::parse("root=signed")}), HasSubstr("is not protected as it must be"));
}

TEST_F(ADiskWithASignaturePartition, ComesBehindWhatLiesBesideIt) {
    sign("no document at all");
    std::ofstream{place_.path() / "web.roothash"} << hash;
    EXPECT_EQ(inspect_disk(disk_).mounts[0].verity->root_hash, hash);

    std::filesystem::remove(place_.path() / "web.roothash");
    EXPECT_EQ(inspect_disk(disk_, {.root_hash = hash}).mounts[0].verity->root_hash, hash);
    EXPECT_THAT(refusal(), HasSubstr("read its signature partition: it holds no JSON"));
}

TEST_F(ADiskWithASignaturePartition, ThatIsHostileIsRefusedInASentence) {
    EXPECT_THAT(refusal(), HasSubstr("read its signature partition: it has 8388608 bytes"));
    sign(R"({"a":)" + std::string(16'000, '['));
    EXPECT_THAT(refusal(), HasSubstr("nested too deeply"));
    sign(R"({"rootHash":")" + std::string(64, 'c') + R"(","signature":"AAEC"})" + std::string(16'000, '\0'));
    EXPECT_THAT(refusal(), HasSubstr("are not those of the root hash"));
}

} // namespace machinist
