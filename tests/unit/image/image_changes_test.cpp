// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/image_changes.hpp"

#include "base/failure.hpp"
#include "image/clone_image.hpp"
#include "image/set_aside.hpp"
#include "kernel/files.hpp"
#include "unit/cut_off.hpp"
#include "unit/image/pool_fixture.hpp"

#include <gmock/gmock.h>
#include <unistd.h>

namespace machinist {
namespace {

using testing::APool;
using testing::at_every_cut;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

template <typename Body>
FailureKind kind_of(Body&& body) {
    try {
        body();
    } catch (const Failure& failure) {
        return failure.kind();
    }
    return FailureKind::internal;
}

class AnImageOfThePool : public APool {
protected:
    AnImageOfThePool() {
        make();
    }
    void make() const {
        for (const char* name : {"first", "machines", "etc", "run", "locks"}) {
            std::filesystem::remove_all(place.path() / name);
            place.make_directory(name);
        }
        place.write("machines/web/etc/os-release", "ID=debian\n");
        place.write("machines/web.nspawn", "[Exec]\n");
        place.write("etc/web.nspawn", "[Network]\n");
        place.write("machines/web.roothash", "abc");
    }
    [[nodiscard]] std::string text(const char* path) const {
        return read_file_if_exists(place.path() / path).value_or("-");
    }
};

TEST_F(AnImageOfThePool, TakesItsFilesAlongToANewName) {
    rename_image(pool(), "web", "db");

    EXPECT_THAT(entries("machines"), UnorderedElementsAre("db", "db.nspawn", "db.roothash"));
    EXPECT_THAT(entries("etc"), ElementsAre("db.nspawn"));
    EXPECT_EQ(text("machines/db/etc/os-release"), "ID=debian\n");
}

TEST_F(AnImageOfThePool, KeepsItsSuffixUnderANewName) {
    place.write("machines/disk.raw", "x");

    rename_image(pool(), "disk", "other");

    EXPECT_EQ(pool().get("other").path, place.path() / "machines/other.raw");
}

TEST_F(AnImageOfThePool, IsRenamedWholeOrNotAtAllAtAnyCut) {
    const int cuts = at_every_cut([&] { make(); }, [&] { rename_image(pool(), "web", "db"); },
                                  [&](bool complete) {
                                      const bool is_new = pool().find("db").has_value();
                                      ASSERT_NE(pool().find("web").has_value(), is_new);
                                      ASSERT_TRUE(is_new || !complete);
                                      const std::string name = is_new ? "db" : "web";
                                      EXPECT_EQ(text(("machines/" + name + "/etc/os-release").c_str()), "ID=debian\n");
                                      EXPECT_EQ(text(("machines/" + name + ".nspawn").c_str()), "[Exec]\n");
                                      EXPECT_EQ(text(("etc/" + name + ".nspawn").c_str()), "[Network]\n");
                                      EXPECT_EQ(text(("machines/" + name + ".roothash").c_str()), "abc");
                                  });
    EXPECT_GT(cuts, 20);
}

TEST_F(AnImageOfThePool, CanBeRenamedAgainAfterACutWhereverThatWas) {
    at_every_cut([&] { make(); }, [&] { rename_image(pool(), "web", "db"); },
                 [&](bool) {
                     if (!pool().find("db"))
                         rename_image(pool(), "web", "db");
                     EXPECT_EQ(text("machines/db.nspawn"), "[Exec]\n");
                     EXPECT_THAT(names(), ElementsAre(".host", "db"));
                 });
}

TEST_F(AnImageOfThePool, IsNotRenamedOverAnother) {
    place.make_directory("first/db");

    EXPECT_EQ(kind_of([&] { rename_image(pool(), "web", "db"); }), FailureKind::already_exists);
    EXPECT_EQ(kind_of([&] { rename_image(pool(), "web", "web"); }), FailureKind::already_exists);
    EXPECT_EQ(kind_of([&] { rename_image(pool(), "web", "a/b"); }), FailureKind::invalid);
    EXPECT_EQ(kind_of([&] { rename_image(pool(), "web", ".host"); }), FailureKind::already_exists);
    EXPECT_TRUE(pool().find("web"));
    EXPECT_THAT(entries("locks"), IsEmpty());
}

TEST_F(AnImageOfThePool, IsRemovedWithItsFiles) {
    const auto left = remove_image(pool(), "web");

    EXPECT_EQ(pool().find("web"), std::nullopt);
    EXPECT_EQ(entries("machines").size(), 1U);
    EXPECT_THAT(entries("etc"), IsEmpty());
    ASSERT_EQ(left.size(), 1U);
    remove_set_aside(left[0]);
    EXPECT_THAT(entries("machines"), IsEmpty());
    EXPECT_THAT(entries("locks"), IsEmpty());
}

TEST_F(AnImageOfThePool, IsRemovedWholeOrNotAtAllAtAnyCut) {
    at_every_cut([&] { make(); }, [&] { remove_image(pool(), "web"); },
                 [&](bool complete) {
                     if (!pool().find("web"))
                         return;
                     ASSERT_FALSE(complete);
                     EXPECT_EQ(text("machines/web/etc/os-release"), "ID=debian\n");
                     EXPECT_EQ(text("machines/web.nspawn"), "[Exec]\n");
                     EXPECT_EQ(text("etc/web.nspawn"), "[Network]\n");
                 });
}

TEST_F(AnImageOfThePool, LeavesATreeAloneThatItIsOnlyALinkTo) {
    place.write("elsewhere/file", "kept");
    place.link(place.path() / "elsewhere", "machines/linked");

    for (const auto& left : remove_image(pool(), "linked"))
        remove_set_aside(left);

    EXPECT_EQ(pool().find("linked"), std::nullopt);
    EXPECT_EQ(text("elsewhere/file"), "kept");
}

TEST_F(AnImageOfThePool, IsLeftAloneWhileAMachineUsesIt) {
    const ImageLock used = lock_image(place.path() / "machines/web", LockMode::exclusive, places().locks);

    EXPECT_EQ(kind_of([&] { rename_image(pool(), "web", "db"); }), FailureKind::busy);
    EXPECT_EQ(kind_of([&] { remove_image(pool(), "web"); }), FailureKind::busy);
    EXPECT_EQ(kind_of([&] { mark_image_read_only(pool(), "web", true); }), FailureKind::busy);
    EXPECT_TRUE(pool().find("web"));
    EXPECT_EQ(text("machines/web.nspawn"), "[Exec]\n");
}

TEST_F(AnImageOfThePool, MayBeTheHostsOrTheDistributionsAndIsNotChangedThen) {
    PoolImage vendors;
    vendors.name = "web";
    vendors.entry = vendors.path = "/usr/lib/machines/web";

    EXPECT_EQ(kind_of([&] { rename_image(pool(), ".host", "db"); }), FailureKind::not_permitted);
    EXPECT_EQ(kind_of([&] { remove_image(pool(), ".host"); }), FailureKind::not_permitted);
    EXPECT_EQ(kind_of([&] { mark_image_read_only(pool(), ".host", true); }), FailureKind::not_permitted);
    EXPECT_EQ(kind_of([&] { refuse_to_change(vendors, "remove"); }), FailureKind::not_permitted);
}

TEST_F(AnImageOfThePool, ThatIsReadOnlyIsRenamedAndRemovedAllTheSame) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    mark_image_read_only(pool(), "web", true);
    ASSERT_TRUE(pool().get("web").read_only);

    rename_image(pool(), "web", "db");
    EXPECT_TRUE(pool().get("db").read_only);

    for (const auto& left : remove_image(pool(), "db"))
        remove_set_aside(left);
    EXPECT_THAT(entries("machines"), IsEmpty());
}

TEST_F(AnImageOfThePool, HasLimitsOnlyWhereQuotasAre) {
    EXPECT_EQ(kind_of([&] { set_image_limit(pool(), "web", 1 << 20); }), FailureKind::not_supported);
    EXPECT_EQ(kind_of([&] { set_pool_limit(pool(), 1 << 20); }), FailureKind::not_supported);
}

TEST_F(AnImageOfThePool, IsClonedWithItsSettingsButNotOverThoseOfTheAdministrator) {
    place.write("etc/db.nspawn", "[Mine]\n");

    clone_image(pool(), "web", "db", {.read_only = false, .way = CloneWay::copy});

    EXPECT_EQ(text("machines/db/etc/os-release"), "ID=debian\n");
    EXPECT_EQ(text("machines/db.nspawn"), "[Exec]\n");
    EXPECT_EQ(text("etc/db.nspawn"), "[Mine]\n");
    EXPECT_TRUE(pool().find("web"));
}

TEST_F(AnImageOfThePool, MayBeADiskWhoseCloneKeepsItsHoles) {
    place.write("machines/disk.raw", std::string(8192, 'x'));
    ASSERT_EQ(::truncate((place.path() / "machines/disk.raw").c_str(), 64 << 20), 0);

    clone_image(pool(), "disk", "copy", {.read_only = true});

    EXPECT_TRUE(pool().get("copy").read_only);
    EXPECT_EQ(pool().get("copy").limit, 64U << 20);
    EXPECT_LT(pool().get("copy").usage, 1U << 20);
    EXPECT_EQ(text("machines/copy.raw").substr(0, 8192), std::string(8192, 'x'));
}

TEST_F(AnImageOfThePool, IsClonedWholeOrNotAtAllAtAnyCut) {
    const std::string contents(200'000, 'y');
    at_every_cut(
        [&] {
            make();
            place.write("machines/disk.raw", contents);
        },
        [&] { clone_image(pool(), "disk", "copy"); },
        [&](bool complete) {
            EXPECT_EQ(text("machines/disk.raw"), contents);
            if (pool().find("copy"))
                EXPECT_EQ(text("machines/copy.raw"), contents);
            else
                EXPECT_FALSE(complete);
        });
}

TEST_F(AnImageOfThePool, IsNotClonedOverAnother) {
    place.write("machines/db.raw", "x");

    EXPECT_EQ(kind_of([&] { clone_image(pool(), "web", "db"); }), FailureKind::already_exists);
    EXPECT_EQ(kind_of([&] { clone_image(pool(), "nope", "x"); }), FailureKind::no_image);
    EXPECT_EQ(text("machines/db.raw"), "x");
}

TEST(WhatIsSetAside, IsFoundUntilItIsRemoved) {
    const testing::TemporaryDirectory place;
    place.write("tree/a/b", "x");

    const auto aside = set_aside(place.path() / "tree");

    EXPECT_THAT(set_aside_in(place.path()), ElementsAre(aside));
    remove_set_aside(aside);
    EXPECT_THAT(set_aside_in(place.path()), IsEmpty());
}

} // namespace
} // namespace machinist
