// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/snapshots.hpp"

#include "base/failure.hpp"
#include "image/image_changes.hpp"
#include "image/set_aside.hpp"
#include "image/stack.hpp"
#include "kernel/files.hpp"
#include "unit/cut_off.hpp"
#include "unit/image/pool_fixture.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

namespace machinist {
namespace {

using testing::APool;
using testing::at_every_cut;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ASnapshot : public APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        make();
    }
    void make() const {
        for (const char* name : {"first", "machines", "etc", "run", "locks", "bases", "snapshots"}) {
            std::filesystem::remove_all(place.path() / name);
            place.make_directory(name);
        }
        place.write("machines/web/file", "first");
    }
    [[nodiscard]] std::string text() const {
        return read_untrusted(open_image_tree(pool().get("web").path), "file").value_or("nothing");
    }
    // As a machine would.
    void write(const std::string& contents) const {
        const auto path = pool().get("web").path;
        const auto tree = is_stack(path) ? path / "rw/data" : path;
        std::filesystem::create_directories(tree);
        write_all(open_path(tree / "file", O_WRONLY | O_CREAT | O_TRUNC, 0644), contents);
    }
    [[nodiscard]] std::vector<std::string> listed() const {
        std::vector<std::string> found;
        for (const Snapshot& snapshot : list_snapshots(pool()))
            found.push_back(snapshot.image + "/" + snapshot.state.name);
        return found;
    }
};

TEST_F(ASnapshot, BringsBackWhatTheImageWas) {
    create_snapshot(pool(), "web", "one");
    write("second");
    create_snapshot(pool(), "web", "two");
    write("third");

    restore_snapshot(pool(), "web", "one");
    EXPECT_EQ(text(), "first");
    restore_snapshot(pool(), "web", "two");
    EXPECT_EQ(text(), "second");
    EXPECT_THAT(listed(), ElementsAre("web/one", "web/two"));
}

TEST_F(ASnapshot, OutlivesItsImage) {
    create_snapshot(pool(), "web", "one");

    remove_image(pool(), "web");

    EXPECT_THAT(listed(), ElementsAre("web/one"));
    EXPECT_EQ(read_untrusted(open_image_tree(get_snapshot(pool(), "web", "one").path), "file"), "first");
}

TEST_F(ASnapshot, OfADiskImageIsTheWholeDisk) {
    place.write("machines/disk.raw", "first");
    create_snapshot(pool(), "disk", "one");
    place.write("machines/disk.raw", "second");

    restore_snapshot(pool(), "disk", "one");

    EXPECT_EQ(read_file(place.path() / "machines/disk.raw"), "first");
}

TEST_F(ASnapshot, IsRestoredWholeOrNotAtAllAtAnyCut) {
    at_every_cut(
        [&] {
            make();
            create_snapshot(pool(), "web", "one");
            write("second");
        },
        [&] { restore_snapshot(pool(), "web", "one"); },
        [&](bool complete) {
            const std::string now = text();
            EXPECT_TRUE(now == "first" || (now == "second" && !complete)) << now;
            EXPECT_THAT(listed(), ElementsAre("web/one"));
        });
}

TEST_F(ASnapshot, IsNotMadeTwiceWithOneNameNorFoundWhereThereIsNone) {
    create_snapshot(pool(), "web", "one");

    EXPECT_THROW(create_snapshot(pool(), "web", "one"), Failure);
    EXPECT_THROW(create_snapshot(pool(), "web", "../one"), Failure);
    EXPECT_THROW(restore_snapshot(pool(), "web", "two"), Failure);
    EXPECT_THROW(restore_snapshot(pool(), "../machines", "web"), Failure);
    EXPECT_THROW(remove_snapshot(pool(), "web", ""), Failure);
}

TEST_F(ASnapshot, IsNotRestoredUnderARunningMachine) {
    create_snapshot(pool(), "web", "one");
    const ImageLock used = lock_image(pool().get("web").path, LockMode::exclusive, places().locks);

    EXPECT_THROW(restore_snapshot(pool(), "web", "one"), Failure);
    EXPECT_EQ(text(), "first");
}

TEST_F(ASnapshot, IsRemovedAlone) {
    create_snapshot(pool(), "web", "one");

    for (const auto& left : remove_snapshot(pool(), "web", "one"))
        remove_set_aside(left);

    EXPECT_THAT(listed(), IsEmpty());
    EXPECT_EQ(text(), "first");
}

} // namespace
} // namespace machinist
