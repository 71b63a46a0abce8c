// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/layer.hpp"

#include "base/failure.hpp"
#include "temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace machinist;
using machinist::testing::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::StartsWith;

namespace {

class ALayerPlan : public ::testing::Test {
protected:
    ALayerPlan() {
        directory_.make_directory("images/web");
    }
    [[nodiscard]] LayerPlan plan(LayerKind kind, VolatileMode mode = VolatileMode::no) const {
        return plan_layer({.directory = directory_.path() / "images/web", .layer = kind, .volatile_mode = mode},
                          "web-1", "/var/lib/machinist/layers");
    }

    TemporaryDirectory directory_;
};

} // namespace

TEST_F(ALayerPlan, InMemoryLeavesNothingToUndo) {
    EXPECT_EQ(plan(LayerKind::tmpfs).kind, LayerKind::tmpfs);
    EXPECT_THAT(plan(LayerKind::tmpfs).undo_lines, IsEmpty());
    EXPECT_THAT(plan(LayerKind::none).undo_lines, IsEmpty());
}

TEST_F(ALayerPlan, OnDiskLiesInThePoolUnderItsKey) {
    EXPECT_EQ(plan(LayerKind::disk).directory, "/var/lib/machinist/layers/web-1");
    EXPECT_THAT(plan(LayerKind::disk).undo_lines, ElementsAre("tree /var/lib/machinist/layers/web-1"));
}

TEST_F(ALayerPlan, ForATreeOfItsOwnLiesHiddenBesideTheImage) {
    const auto planned = plan(LayerKind::snapshot);

    EXPECT_EQ(planned.directory.parent_path(), directory_.path() / "images");
    EXPECT_THAT(planned.directory.filename().string(), StartsWith(".#web-1."));
    EXPECT_THAT(planned.undo_lines, ElementsAre("subvolume " + planned.directory.string()));
    EXPECT_THAT(plan(LayerKind::copy).undo_lines, ElementsAre(StartsWith("tree ")));
}

TEST_F(ALayerPlan, ForTheHostsRootLiesInIt) {
    const auto planned = plan_layer({.directory = "/", .layer = LayerKind::snapshot}, "host", "/pool");

    EXPECT_EQ(planned.directory.parent_path(), "/");
}

TEST_F(ALayerPlan, NamesNoTwoInstancesAlike) {
    EXPECT_NE(plan(LayerKind::copy).directory, plan(LayerKind::copy).directory);
}

TEST_F(ALayerPlan, HasNoLayerWhereNothingWouldReachIt) {
    EXPECT_EQ(plan(LayerKind::copy, VolatileMode::yes).kind, LayerKind::none);
    EXPECT_EQ(plan(LayerKind::disk, VolatileMode::state).kind, LayerKind::none);
    EXPECT_THAT(plan(LayerKind::disk, VolatileMode::overlay).undo_lines, IsEmpty());
}

TEST_F(ALayerPlan, MakesACopyThatHasAllOfTheImage) {
    directory_.write("images/web/etc/hostname", "web");
    directory_.link("/nowhere", "images/web/link");
    const auto planned = plan(LayerKind::copy);

    make_instance_tree(directory_.path() / "images/web", planned);

    EXPECT_EQ(read_file(planned.directory / "etc/hostname"), "web");
    EXPECT_EQ(std::filesystem::read_symlink(planned.directory / "link"), "/nowhere");
}

TEST_F(ALayerPlan, SaysWhatElseCanBeDoneWhereTheFilesystemCannot) {
    try {
        make_instance_tree("/proc", plan_layer({.directory = "/proc", .layer = LayerKind::snapshot}, "x", "/pool"));
        FAIL() << "a snapshot of procfs was made";
    } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), FailureKind::not_supported);
        EXPECT_THAT(failure.remedy(), StartsWith("--layer=tmpfs"));
    }
}
