// SPDX-License-Identifier: LGPL-2.1-or-later
// What makes images, on a disk of every size up to the one that is enough: it fails in a sentence and leaves nothing.
#include "base/failure.hpp"
#include "image/clone_image.hpp"
#include "image/commit.hpp"
#include "image/instances.hpp"
#include "image/set_aside.hpp"
#include "image/snapshots.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "unit/image/pool_fixture.hpp"
#include "unit/private_mounts.hpp"

#include <fcntl.h>
#include <functional>
#include <gmock/gmock.h>
#include <unistd.h>

namespace machinist {
namespace {

using testing::APool;
using ::testing::HasSubstr;
using testing::in_private_mounts;
namespace fs = std::filesystem;

class AFullDisk : public APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        place.write("first/disk.raw", std::string(100'000, 'x'));
        for (int number = 0; number < 12; ++number)
            place.write("first/tree/usr/" + std::to_string(number), std::string(7000, 'x'));
    }
    // "enough at N KiB", or what is wrong.
    [[nodiscard]] std::string on_every_size(const std::function<void(const Pool&)>& work, const char* result) const {
        constexpr int first = 16, step = 12, last = 1024;
        for (int size = first; size <= last; size += step) {
            const std::string said = in_private_mounts([&] { return on_size(size, work, result); });
            if (said != "too small")
                return said;
        }
        return "never enough";
    }

private:
    [[nodiscard]] std::string on_size(int kibibytes, const std::function<void(const Pool&)>& work,
                                      const char* result) const {
        attach_mount(make_filesystem("tmpfs", {.options = {{"size", std::to_string(kibibytes) + "k"}}}),
                     open_path(place.path() / "machines", O_PATH | O_DIRECTORY));
        PoolPlaces on_it = places();
        on_it.bases = place.path() / "machines/bases";
        on_it.snapshots = place.path() / "machines/snapshots";
        try {
            work(Pool{on_it});
        } catch (const Failure& failure) {
            return what_is_left(failure);
        }
        return fs::exists(place.path() / "machines" / result) ? "enough" : "made nothing, and said nothing";
    }
    [[nodiscard]] std::string what_is_left(const Failure& failure) const {
        if (failure.kind() == FailureKind::internal)
            return std::string{"it says: "} + failure.what();
        for (const auto& entry : fs::recursive_directory_iterator{place.path() / "machines"})
            if (!entry.is_directory() || entry.path().filename().string().starts_with(".#"))
                return "left: " + entry.path().string() + " of " + failure.what();
        return "too small";
    }
};

TEST_F(AFullDisk, HasACloneOfADiskImageWholeOrNotAtAll) {
    EXPECT_EQ(on_every_size([](const Pool& pool) { clone_image(pool, "disk", "new"); }, "new.raw"), "enough");
}

TEST_F(AFullDisk, HasACopyOfATreeWholeOrNotAtAll) {
    EXPECT_EQ(on_every_size([](const Pool& pool) { clone_image(pool, "tree", "new", {.way = CloneWay::copy}); }, "new"),
              "enough");
}

TEST_F(AFullDisk, HasASnapshotOfADiskImageWholeOrNotAtAll) {
    EXPECT_EQ(
        on_every_size([](const Pool& pool) { create_snapshot(pool, "disk", "before"); }, "snapshots/disk/before.raw"),
        "enough");
}

TEST_F(AFullDisk, HasACommitWholeOrNotAtAll) {
    const auto commit = [this](const Pool& pool) {
        commit_tree(pool, open_path(place.path() / "first/tree", O_RDONLY | O_DIRECTORY), "new");
    };
    EXPECT_EQ(on_every_size(commit, "new"), "enough");
}

TEST_F(AFullDisk, HasNoInstanceThatIsHalfMade) {
    place.write("first/tree/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    EXPECT_EQ(on_every_size([](const Pool& pool) { (void)make_instances(pool, "tree", 1); }, "tree-1"), "enough");
}

} // namespace
} // namespace machinist
