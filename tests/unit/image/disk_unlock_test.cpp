// SPDX-License-Identifier: LGPL-2.1-or-later
// The headers are made by cryptsetup and veritysetup, and read in the sandbox.
#include "image/disk_unlock.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "image/disk_keys.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "unit/temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <fstream>
#include <unistd.h>

namespace machinist {

using machinist::testing::TemporaryDirectory;
using ::testing::HasSubstr;

namespace {

constexpr const char* passphrase = "open it";

class AProtectedDisk : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        if (::access("/usr/sbin/cryptsetup", X_OK) < 0 && ::access("/sbin/cryptsetup", X_OK) < 0)
            GTEST_SKIP() << "needs cryptsetup";
        if (::access(own_program("machinist-unlock").c_str(), X_OK) < 0)
            GTEST_SKIP() << "built without libcryptsetup";
    }
    static void shell(const std::string& script) {
        const ProgramResult result =
            run_program({"/bin/sh", "-ec", "PATH=$PATH:/usr/sbin:/sbin; exec 2>&1; " + script});
        ASSERT_EQ(result.status, 0) << result.output;
    }
    UniqueFd encrypted(const std::string& options) {
        shell("truncate -s 40M '" + disk_.string() + "'; printf '" + passphrase +
              "' | cryptsetup luksFormat -q --pbkdf-force-iterations 1000 " + options + " '" + disk_.string() + "' -");
        return open_path(disk_, O_RDONLY);
    }
    void spoil(std::uint64_t offset, const std::string& bytes) const {
        std::fstream file{disk_, std::ios::binary | std::ios::in | std::ios::out};
        file.seekp(static_cast<std::streamoff>(offset));
        file << bytes;
    }
    static std::string refusal(BorrowedFd device) {
        try {
            (void)unlock(device, passphrase);
        } catch (const Failure& failure) {
            EXPECT_NE(failure.kind(), FailureKind::internal) << failure.what();
            return failure.what();
        }
        return "nothing was refused";
    }

    TemporaryDirectory place_;
    std::filesystem::path disk_ = place_.path() / "disk";
};

DiskMount a_part() {
    return {.name = "partition 1 (root)", .offset = 4096, .protection = DiskProtection::luks};
}

} // namespace

TEST_F(AProtectedDisk, OfLuks2IsOpenedByItsPassphraseOnly) {
    const UniqueFd device = encrypted("--type luks2 --pbkdf pbkdf2 --sector-size 4096");

    EXPECT_EQ(unlock(device, "another"), std::nullopt);
    const auto opening = unlock(device, passphrase);
    ASSERT_TRUE(opening);
    EXPECT_EQ(opening->cipher, "aes-xts-plain64");
    EXPECT_EQ(opening->key.size(), 128);
    EXPECT_EQ(opening->offset, 16U << 20);
    EXPECT_EQ(opening->sector_size, 4096);
    EXPECT_EQ(unlock(device, passphrase), opening);
}

TEST_F(AProtectedDisk, OfLuks1IsOpenedByItsPassphrase) {
    const UniqueFd device = encrypted("--type luks1");

    const auto opening = unlock(device, passphrase);
    ASSERT_TRUE(opening);
    EXPECT_EQ(opening->sector_size, 512);
    EXPECT_GT(opening->offset, 0);
}

TEST_F(AProtectedDisk, WhoseKeyNeedsThreadsAndMemoryIsOpened) {
    const UniqueFd device =
        encrypted("--type luks2 --pbkdf argon2id --pbkdf-memory 65536 --pbkdf-parallel 2 --pbkdf-force-iterations 4");

    EXPECT_TRUE(unlock(device, passphrase));
}

TEST_F(AProtectedDisk, OfNoiseIsRefusedWithASentence) {
    const UniqueFd device = encrypted("--type luks2 --pbkdf pbkdf2");
    const std::string noise(64, '\x5a');
    // Both copies of the header.
    spoil(40, noise);
    spoil(0x4000 + 40, noise);
    EXPECT_THAT(refusal(device), HasSubstr("read its header"));

    spoil(0, std::string(1 << 20, '\0'));
    EXPECT_THAT(refusal(device), HasSubstr("read its header"));
}

TEST_F(AProtectedDisk, ThatIsCutOffIsRefused) {
    const UniqueFd device = encrypted("--type luks2 --pbkdf pbkdf2");
    for (const char* size : {"10M", "1M", "512", "0"}) {
        shell("truncate -s " + std::string{size} + " '" + disk_.string() + "'");
        EXPECT_THAT(refusal(device), HasSubstr("read its header")) << size;
    }
}

TEST_F(AProtectedDisk, AsksForOnePassphraseAndRemembers) {
    const UniqueFd device = encrypted("--type luks2 --pbkdf pbkdf2");
    unsigned asked = 0;
    DiskKeys keys{[&](const std::string& what) -> std::optional<std::string> {
        EXPECT_EQ(what, "partition 1 (root)");
        return ++asked == 1 ? "another" : passphrase;
    }};

    const LuksOpening first = keys.opening_of(a_part(), device);
    EXPECT_EQ(keys.opening_of(a_part(), device), first);
    EXPECT_EQ(asked, 2);

    DiskKeys after_reboot = DiskKeys::from_memory(keys.in_memory());
    EXPECT_EQ(after_reboot.opening_of(a_part(), device), first);
}

TEST_F(AProtectedDisk, WithoutAPassphraseIsRefused) {
    const UniqueFd device = encrypted("--type luks2 --pbkdf pbkdf2");
    DiskKeys none;
    try {
        (void)none.opening_of(a_part(), device);
        FAIL() << "it was opened";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), FailureKind::not_permitted);
        EXPECT_THAT(failure.what(), HasSubstr("--load-credential=dissect.passphrase"));
    }
}

TEST_F(AProtectedDisk, OfVeritySaysHowItsTreeIsBuilt) {
    shell("truncate -s 1M '" + disk_.string() + "'; veritysetup format --salt 00ff '" + disk_.string() + "' '" +
          disk_.string() + ".tree'");

    const VerityOpening tree = read_hash_tree(open_path(disk_.string() + ".tree", O_RDONLY));
    EXPECT_EQ(tree, (VerityOpening{.version = 1,
                                   .algorithm = "sha256",
                                   .data_block = 4096,
                                   .tree_block = 4096,
                                   .data_blocks = 256,
                                   .first_tree_block = 1,
                                   .salt = "00ff"}));
    EXPECT_THROW((void)read_hash_tree(open_path(disk_, O_RDONLY)), Failure);
}

} // namespace machinist
