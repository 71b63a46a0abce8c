// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/commit.hpp"

#include "base/failure.hpp"
#include "image/clone_image.hpp"
#include "image/image_changes.hpp"
#include "image/stack.hpp"
#include "unit/image/pool_fixture.hpp"
#include "unit/private_mounts.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

namespace machinist {
namespace {

using testing::APool;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::in_private_mounts;
using ::testing::Not;
namespace fs = std::filesystem;

class ACommit : public APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        place.write("machines/web/usr/kept", "of the image");
        place.write("machines/web/usr/removed", "of the image");
        place.write("layer/upper/usr/added", "of the machine");
        ASSERT_EQ(::mknod((place.path() / "layer/upper/usr/removed").c_str(), S_IFCHR, makedev(0, 0)), 0);
    }
    [[nodiscard]] fs::path upper() const {
        return place.path() / "layer/upper";
    }
    // "kept added": what of the names is in usr of the image.
    [[nodiscard]] std::string seen_in(const char* name) const {
        return in_private_mounts([&] {
            const UniqueFd tree = open_image_tree(pool().get(name).path);
            std::string seen;
            for (const char* file : {"kept", "removed", "added", "later"})
                if (open_beneath_if_exists(tree, fs::path{"usr"} / file, O_PATH, Links::refuse))
                    seen += std::string{seen.empty() ? "" : " "} + file;
            return seen;
        });
    }
};

TEST_F(ACommit, OfALayerOnDiskSharesTheImageAndTakesTheLayer) {
    ASSERT_TRUE(commit_by_layers(pool(), pool().get("web"), upper(), "new"));

    EXPECT_EQ(seen_in("new"), "kept added");
    EXPECT_EQ(seen_in("web"), "kept removed");
    EXPECT_EQ(pool().get("new").type, ImageType::mstack);
    EXPECT_TRUE(fs::exists(upper() / "usr/added"));
    EXPECT_FALSE(fs::exists(place.path() / "machines/new.mstack/rw/data/usr/kept"));
}

TEST_F(ACommit, LeavesTheImageToMachinesThatReadIt) {
    const ImageHold machine{pool(), pool().get("web"), LockMode::shared};

    ASSERT_TRUE(commit_by_layers(pool(), pool().get("web"), upper(), "new"));

    EXPECT_EQ(seen_in("new"), "kept added");
}

TEST_F(ACommit, OfAStackThatItsMachineWritesToCopiesWhatWasWritten) {
    clone_image(pool(), "web", "db");
    place.write("machines/db.mstack/rw/data/usr/added", "of the machine");
    fs::create_directories(place.path() / "machines/db.mstack/rw/work");
    const ImageHold machine{pool(), pool().get("db"), LockMode::exclusive};

    ASSERT_TRUE(commit_by_layers(pool(), pool().get("db"), {}, "new"));
    place.write("machines/db.mstack/rw/data/usr/later", "");

    EXPECT_EQ(seen_in("new"), "kept removed added");
}

TEST_F(ACommit, DoesNotTakeALayerThatHoldsOnlyOwnersAndModes) {
    ASSERT_EQ(::setxattr((upper() / "usr/added").c_str(), "trusted.overlay.metacopy", "", 0, 0), 0);

    EXPECT_FALSE(commit_by_layers(pool(), pool().get("web"), upper(), "new"));
    EXPECT_THAT(entries("machines"), Not(Contains(HasSubstr("new"))));
    EXPECT_EQ(pool().get("web").type, ImageType::directory);
}

TEST_F(ACommit, OfADirectoryThatIsWrittenToIsACopy) {
    EXPECT_FALSE(commit_by_layers(pool(), pool().get("web"), {}, "new"));

    commit_tree(pool(), open_path(place.path() / "machines/web", O_RDONLY | O_DIRECTORY), "new");

    EXPECT_EQ(seen_in("new"), "kept removed");
    EXPECT_EQ(pool().get("new").type, ImageType::directory);
}

TEST_F(ACommit, DoesNotReplaceAnImage) {
    place.make_directory("machines/new");

    EXPECT_THROW((void)commit_by_layers(pool(), pool().get("web"), upper(), "new"), Failure);
    EXPECT_EQ(pool().get("web").type, ImageType::directory);
}

} // namespace
} // namespace machinist
