// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/template.hpp"

#include "base/failure.hpp"
#include "image/layer.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/process.hpp"
#include "private_mounts.hpp"
#include "temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <unistd.h>
#include <vector>

using namespace machinist;
using machinist::testing::in_private_mounts;
using machinist::testing::TemporaryDirectory;

namespace {

std::vector<std::string> names_in(const std::filesystem::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{directory})
        names.push_back(entry.path().filename());
    return names;
}

class ATemplate : public ::testing::Test {
protected:
    ATemplate() {
        directory_.write("base/etc/hostname", "base");
        directory_.link("etc/hostname", "base/link");
    }
    TemporaryDirectory directory_;
};

// A filesystem in a file, mounted in a mount namespace that goes with the test.
class ABtrfsPool : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        const auto file = directory_.path() / "pool.raw";
        directory_.write("pool.raw", "");
        std::filesystem::resize_file(file, 256U << 20);
        try {
            if (run_program({"mkfs.btrfs", "--quiet", file.string()}).status != 0)
                GTEST_SKIP() << "mkfs.btrfs does not work here";
        } catch (const Failure&) {
            GTEST_SKIP() << "needs mkfs.btrfs";
        }
        directory_.make_directory("pool");
    }
    template <typename Body>
    std::string mounted(Body&& body) const {
        return in_private_mounts([&]() -> std::string {
            if (run_program({"mount", "-o", "loop", (directory_.path() / "pool.raw").string(), pool_.string()})
                    .status != 0)
                return "cannot mount";
            if (run_program({"btrfs", "-q", "subvolume", "create", (pool_ / "web").string()}).status != 0)
                return "cannot make a subvolume";
            write_atomically(pool_ / "web/file", "from the image", 0644);
            return body();
        });
    }

    TemporaryDirectory directory_;
    std::filesystem::path pool_ = directory_.path() / "pool";
};

} // namespace

TEST_F(ATemplate, BecomesANewImageWithAllItHas) {
    const auto kind = make_from_template(directory_.path() / "base", directory_.path() / "web");

    EXPECT_TRUE(kind == LayerKind::copy || kind == LayerKind::reflink || kind == LayerKind::snapshot);
    EXPECT_EQ(read_file(directory_.path() / "web/etc/hostname"), "base");
    EXPECT_THAT(names_in(directory_.path()), ::testing::UnorderedElementsAre("base", "web"));
}

TEST_F(ATemplate, LeavesAnImageThatIsThereAlready) {
    directory_.write("web/etc/hostname", "web");

    EXPECT_EQ(make_from_template(directory_.path() / "base", directory_.path() / "web"), LayerKind::none);
    EXPECT_EQ(read_file(directory_.path() / "web/etc/hostname"), "web");
}

TEST_F(ATemplate, ThatIsMissingLeavesNothing) {
    EXPECT_THROW(make_from_template(directory_.path() / "nothing", directory_.path() / "web"), Failure);
    EXPECT_THAT(names_in(directory_.path()), ::testing::ElementsAre("base"));
}

TEST_F(ATemplate, NeverMakesHalfAnImage) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    directory_.write("base/large", std::string(4U << 20, 'x'));
    directory_.make_directory("small");

    const auto said = in_private_mounts([&] {
        attach_mount(make_filesystem("tmpfs", {{{"size", "1m"}}, 0}), open_path(directory_.path() / "small", O_PATH));
        try {
            make_from_template(directory_.path() / "base", directory_.path() / "small/web");
        } catch (const Failure&) {
            return std::filesystem::is_empty(directory_.path() / "small") ? std::string{"nothing is left"}
                                                                          : "something is left";
        }
        return std::string{"no failure"};
    });

    EXPECT_EQ(said, "nothing is left");
}

TEST_F(ABtrfsPool, MakesImagesFromTemplatesBySnapshot) {
    const auto said = mounted([&] {
        const auto kind = make_from_template(pool_ / "web", pool_ / "new");
        return std::string{name_of(layer_kind_names, kind)} + ", " + read_file(pool_ / "new/file") +
               (btrfs::is_subvolume(open_path(pool_ / "new", O_PATH)) ? ", a subvolume" : "");
    });

    EXPECT_EQ(said, "snapshot, from the image, a subvolume");
}

TEST_F(ABtrfsPool, MakesInstancesBySnapshotOrSharedExtentsAndRemovesThem) {
    const auto said = mounted([&] {
        std::string text;
        for (const LayerKind kind : {LayerKind::snapshot, LayerKind::reflink}) {
            const auto plan = plan_layer({.directory = pool_ / "web", .layer = kind}, "web", pool_);
            make_instance_tree(pool_ / "web", plan);
            text += read_file(plan.directory / "file") + ", ";
            // As systemd in a machine on btrfs does it.
            run_program({"btrfs", "-q", "subvolume", "create", (plan.directory / "nested").string()});
            btrfs::remove_subvolume(open_path(pool_, O_PATH), plan.directory.filename());
        }
        for (const auto& name : names_in(pool_))
            text += name;
        return text;
    });

    EXPECT_EQ(said, "from the image, from the image, web");
}

TEST_F(ABtrfsPool, KnowsAndRemovesReadOnlySubvolumes) {
    const auto said = mounted([&] {
        run_program({"btrfs", "-q", "property", "set", (pool_ / "web").string(), "ro", "true"});
        const bool read_only = btrfs::is_read_only(open_path(pool_ / "web", O_PATH));
        remove_tree(open_path(pool_, O_PATH), "web");
        return std::string{read_only ? "read-only" : "writable"} + (names_in(pool_).empty() ? ", removed" : ", left");
    });

    EXPECT_EQ(said, "read-only, removed");
}
