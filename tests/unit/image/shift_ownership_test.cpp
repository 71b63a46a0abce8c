// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/shift_ownership.hpp"

#include "base/failure.hpp"
#include "private_mounts.hpp"
#include "temporary_directory.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <iterator>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

using namespace machinist;
using machinist::testing::in_private_mounts;
using machinist::testing::TemporaryDirectory;

namespace {

constexpr std::uint32_t base = 655360;

class ChangingOwners : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
    }
    [[nodiscard]] struct stat status(const std::filesystem::path& name) const {
        struct stat status {};
        EXPECT_EQ(::lstat((tree_.path() / name).c_str(), &status), 0) << name;
        return status;
    }
    void give(const std::filesystem::path& name, uid_t uid, gid_t gid) const {
        ASSERT_EQ(::lchown((tree_.path() / name).c_str(), uid, gid), 0) << name;
    }

    TemporaryDirectory tree_;
};

} // namespace

TEST_F(ChangingOwners, ReachesEveryKindOfEntry) {
    tree_.write("home/user/file", "");
    tree_.link("/etc/passwd", "link");
    ASSERT_EQ(::mkfifo((tree_.path() / "fifo").c_str(), 0600), 0);
    give("home/user", 1000, 100);
    give("home/user/file", 1000, 100);

    EXPECT_TRUE(shift_ownership(tree_.descriptor(), base));

    EXPECT_EQ(status(".").st_uid, base);
    EXPECT_EQ(status("home").st_gid, base);
    EXPECT_EQ(status("home/user").st_uid, base + 1000);
    EXPECT_EQ(status("home/user/file").st_gid, base + 100);
    EXPECT_EQ(status("link").st_uid, base);
    EXPECT_EQ(status("fifo").st_uid, base);
}

TEST_F(ChangingOwners, DoesNotTouchWhatLinksLeadTo) {
    const TemporaryDirectory outside;
    outside.write("file", "");
    tree_.link(outside.path(), "directory");
    tree_.link(outside.path() / "file", "file");

    shift_ownership(tree_.descriptor(), base);

    EXPECT_EQ(status_of(outside.descriptor()).st_uid, 0U);
    EXPECT_EQ(status_of(open_path(outside.path() / "file", O_PATH)).st_uid, 0U);
}

TEST_F(ChangingOwners, DoesNothingWhereTheTopIsRightAlready) {
    tree_.write("file", "");
    shift_ownership(tree_.descriptor(), base);
    give("file", 0, 0);

    EXPECT_FALSE(shift_ownership(tree_.descriptor(), base));
    EXPECT_EQ(status("file").st_uid, 0U);
}

TEST_F(ChangingOwners, FinishesWhatAnInterruptedRunLeft) {
    tree_.write("done", "");
    tree_.write("not-done", "");
    give("done", base + 5, base + 5);
    give("not-done", 5, 5);
    give(".", busy_owner, 0);

    EXPECT_TRUE(shift_ownership(tree_.descriptor(), base));

    EXPECT_EQ(status("done").st_uid, base + 5);
    EXPECT_EQ(status("not-done").st_uid, base + 5);
    EXPECT_EQ(status(".").st_uid, base);
}

TEST_F(ChangingOwners, MovesATreeFromOneRangeToAnother) {
    tree_.write("file", "");
    give("file", 33, 33);
    shift_ownership(tree_.descriptor(), base);

    EXPECT_TRUE(shift_ownership(tree_.descriptor(), base + 65536));

    EXPECT_EQ(status("file").st_uid, base + 65536 + 33);
}

TEST_F(ChangingOwners, KeepsModesAndFileCapabilities) {
    tree_.write("su", "");
    tree_.write("ping", "");
    ASSERT_EQ(::chmod((tree_.path() / "su").c_str(), 06755), 0);
    // VFS_CAP_REVISION_2 with CAP_NET_RAW permitted and effective.
    const unsigned char capability[20] = {1, 0, 0, 2, 0, 0x20, 0, 0};
    ASSERT_EQ(::setxattr((tree_.path() / "ping").c_str(), "security.capability", capability, sizeof capability, 0), 0);

    shift_ownership(tree_.descriptor(), base);

    EXPECT_EQ(status("su").st_mode & 07777, 06755U);
    unsigned char after[24]{};
    ASSERT_EQ(::getxattr((tree_.path() / "ping").c_str(), "security.capability", after, sizeof after),
              static_cast<ssize_t>(sizeof capability));
    EXPECT_TRUE(std::equal(std::begin(capability), std::end(capability), std::begin(after)));
}

TEST_F(ChangingOwners, GoesAsDeepAsATreeGoes) {
    UniqueFd level = open_path(tree_.path(), O_PATH | O_DIRECTORY);
    for (int i = 0; i < 500; ++i) {
        ASSERT_EQ(::mkdirat(level.get(), "level", 0755), 0);
        level = UniqueFd{::openat(level.get(), "level", O_PATH | O_DIRECTORY | O_CLOEXEC)};
    }

    EXPECT_TRUE(shift_ownership(tree_.descriptor(), base));

    EXPECT_EQ(status_of(level).st_uid, base);
    remove_tree(tree_.descriptor(), "level");
}

TEST_F(ChangingOwners, StopsAtOtherMounts) {
    const TemporaryDirectory outside;
    outside.write("file", "");
    tree_.make_directory("mounted");

    const auto said = in_private_mounts([&] {
        attach_mount(clone_mount(open_path(outside.path(), O_PATH), false),
                     open_path(tree_.path() / "mounted", O_PATH));
        shift_ownership(open_path(tree_.path(), O_PATH), base);
        return std::string{"done"};
    });

    EXPECT_EQ(said, "done");
    EXPECT_EQ(status(".").st_uid, base);
    EXPECT_EQ(status_of(outside.descriptor()).st_uid, 0U);
    EXPECT_EQ(status_of(open_path(outside.path() / "file", O_PATH)).st_uid, 0U);
}
