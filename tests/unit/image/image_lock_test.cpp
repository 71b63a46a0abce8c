// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/image_lock.hpp"

#include "base/failure.hpp"
#include "temporary_directory.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace machinist;
using machinist::testing::TemporaryDirectory;
using ::testing::HasSubstr;

namespace {

class AnImage : public ::testing::Test {
protected:
    AnImage() {
        directory_.make_directory("pool/web");
    }
    [[nodiscard]] ImageLock lock(LockMode mode) const {
        return lock_image(image_, mode, locks_);
    }
    [[nodiscard]] std::string refusal(LockMode mode) const {
        try {
            static_cast<void>(lock(mode));
        } catch (const Failure& failure) {
            EXPECT_EQ(failure.kind(), FailureKind::busy);
            return failure.what();
        }
        return "no refusal";
    }

    TemporaryDirectory directory_;
    std::filesystem::path image_ = directory_.path() / "pool/web";
    std::filesystem::path locks_ = directory_.path() / "run/locks";
};

} // namespace

TEST_F(AnImage, IsWrittenByOneAtATime) {
    const ImageLock first = lock(LockMode::exclusive);

    EXPECT_THAT(refusal(LockMode::exclusive), HasSubstr("currently busy"));
    EXPECT_THAT(refusal(LockMode::shared), HasSubstr("currently busy"));
}

TEST_F(AnImage, IsReadByManyAtATime) {
    const ImageLock first = lock(LockMode::shared);
    const ImageLock second = lock(LockMode::shared);

    EXPECT_EQ(second.descriptors.size(), 2U);
}

TEST_F(AnImage, ThatOthersReadIsOfferedAsALayerToTheOneWhoWouldWrite) {
    const ImageLock first = lock(LockMode::shared);

    EXPECT_THAT(refusal(LockMode::exclusive), HasSubstr("-x, which leaves the image as it is"));
}

TEST_F(AnImage, IsFreeAgainWhenTheLockIsClosed) {
    { const ImageLock first = lock(LockMode::exclusive); }

    EXPECT_NO_THROW((void)lock(LockMode::exclusive));
}

TEST_F(AnImage, IsLockedWhereSystemdLooks) {
    struct stat status {};
    ASSERT_EQ(::stat(image_.c_str(), &status), 0);

    const ImageLock held = lock(LockMode::exclusive);

    EXPECT_THAT(held.paths, ::testing::ElementsAre(locks_ / ("inode-" + std::to_string(status.st_dev) + ":" +
                                                             std::to_string(status.st_ino)),
                                                   directory_.path() / "pool/.#web.lck"));
}

TEST_F(AnImage, IsTheSameByWhateverPath) {
    directory_.link("web", "pool/other-name");
    const ImageLock held = lock(LockMode::exclusive);

    EXPECT_THROW(lock_image(directory_.path() / "pool/other-name", LockMode::exclusive, locks_), Failure);
    EXPECT_THROW(lock_image(directory_.path() / "pool/./web/", LockMode::exclusive, locks_), Failure);
}

TEST_F(AnImage, IsBusyForUsIfSystemdHoldsItsKindOfLock) {
    std::filesystem::create_directories(locks_);
    const auto path = lock(LockMode::exclusive).paths.front();
    const UniqueFd theirs = open_path(path, O_RDWR | O_CREAT, 0600);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    ASSERT_EQ(::fcntl(theirs.get(), F_OFD_SETLK, &whole), 0);

    EXPECT_THAT(refusal(LockMode::exclusive), HasSubstr("currently busy"));
}

TEST_F(AnImage, IsBusyForSystemdIfWeHoldIt) {
    const ImageLock held = lock(LockMode::exclusive);

    const UniqueFd theirs = open_path(held.paths.front(), O_RDWR);
    struct flock whole {};
    whole.l_type = F_WRLCK;
    EXPECT_EQ(::fcntl(theirs.get(), F_OFD_SETLK, &whole), -1);
    EXPECT_EQ(::flock(theirs.get(), LOCK_EX | LOCK_NB), -1);
}

TEST_F(AnImage, ThatIsTheHostsRootIsNotLocked) {
    EXPECT_TRUE(lock_image("/", LockMode::exclusive, locks_).descriptors.empty());
}

TEST_F(AnImage, IsNotLockedForACopyOfIt) {
    EXPECT_TRUE(lock(LockMode::none).descriptors.empty());
    EXPECT_EQ(lock_mode_for({.directory = image_, .layer = LayerKind::snapshot}), LockMode::none);
    EXPECT_EQ(lock_mode_for({.directory = image_, .layer = LayerKind::tmpfs}), LockMode::shared);
    EXPECT_EQ(lock_mode_for({.directory = image_, .volatile_mode = VolatileMode::overlay}), LockMode::shared);
    EXPECT_EQ(lock_mode_for({.directory = image_, .read_only = true}), LockMode::shared);
    EXPECT_EQ(lock_mode_for({.directory = image_}), LockMode::exclusive);
}

TEST_F(AnImage, HasALockByNameToo) {
    const ImageLock held = lock_image_name("web", LockMode::exclusive, locks_);

    EXPECT_THAT(held.paths, ::testing::ElementsAre(locks_ / "name-web"));
    EXPECT_THROW(lock_image_name("web", LockMode::shared, locks_), Failure);
}

TEST_F(AnImage, WhoseLockFileIsNoFileIsRefused) {
    ASSERT_EQ(::mkfifo((directory_.path() / "pool/.#web.lck").c_str(), 0600), 0);

    EXPECT_THROW((void)lock(LockMode::exclusive), Failure);
}

TEST_F(AnImage, WhoseLockFileIsALinkIsRefused) {
    directory_.link("/nonexistent/elsewhere", "pool/.#web.lck");

    EXPECT_THROW((void)lock(LockMode::exclusive), Failure);
}

TEST_F(AnImage, HasItsLockFileRemovedOnlyWhenNobodyHoldsIt) {
    const auto path = directory_.path() / "some.lck";
    {
        const auto held = lock_file(path, LockMode::shared);
        EXPECT_FALSE(remove_lock_file_if_free(path));
    }

    EXPECT_TRUE(remove_lock_file_if_free(path));
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_TRUE(remove_lock_file_if_free(path));
}
