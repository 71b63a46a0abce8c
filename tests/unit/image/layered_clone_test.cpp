// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "image/base_store.hpp"
#include "image/clone_image.hpp"
#include "image/image_changes.hpp"
#include "image/layered_clone.hpp"
#include "image/root_mount.hpp"
#include "image/set_aside.hpp"
#include "image/stack.hpp"
#include "kernel/filesystem_ids.hpp"
#include "unit/cut_off.hpp"
#include "unit/image/pool_fixture.hpp"
#include "unit/private_mounts.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {
namespace {

using testing::APool;
using testing::at_every_cut;
using ::testing::ElementsAre;
using testing::in_private_mounts;
using ::testing::IsEmpty;

void write_in(BorrowedFd root, const char* name, const std::string& text) {
    const UniqueFd file{::openat(root.get(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (!file)
        throw system_failure(std::string{"write "} + name);
    write_all(file, text);
}

class ALayeredImage : public APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        place.make_directory("staging");
        make();
    }
    void make() const {
        for (const char* name : {"first", "machines", "etc", "run", "locks", "bases"}) {
            std::filesystem::remove_all(place.path() / name);
            place.make_directory(name);
        }
        place.write("machines/web/etc/os-release", "ID=debian\n");
        place.write("machines/web/usr/file", "of the image");
        ::chmod((place.path() / "machines/web").c_str(), 0751);
    }

    // What a machine would see and do, in its root.
    template <typename Body>
    std::string in_root_of(const char* name, const RootOwnership& ownership, Body&& body,
                           LayerKind layer = LayerKind::none) const {
        RootSpec spec;
        spec.directory = pool().get(name).path;
        spec.layer = layer;
        return in_private_mounts([&] {
            const auto plan = plan_layer(spec, "test", place.path() / "layers");
            return std::string{
                body(compose_root(spec, ownership, open_path(place.path() / "staging", O_PATH), plan).mount)};
        });
    }
    std::string write(const char* name, const char* file, const char* text) const {
        return in_root_of(name, {}, [&](BorrowedFd root) {
            write_in(root, file, text);
            return "done";
        });
    }
    [[nodiscard]] std::string read(const char* name, const char* file) const {
        return read_untrusted(open_image_tree(pool().get(name).path), file).value_or("nothing");
    }
    void remove(const char* name) const {
        for (const auto& left : remove_image(pool(), name))
            remove_set_aside(left);
        for (const auto& left : collect_bases(places().bases, places().locks))
            remove_set_aside(left);
    }
};

TEST_F(ALayeredImage, IsWhatBothAreAfterAClone) {
    EXPECT_EQ(clone_image(pool(), "web", "db"), LayerKind::disk);

    EXPECT_EQ(pool().get("web").type, ImageType::mstack);
    EXPECT_EQ(pool().get("db").type, ImageType::mstack);
    EXPECT_EQ(read("web", "usr/file"), "of the image");
    EXPECT_EQ(read("db", "usr/file"), "of the image");
    EXPECT_EQ(entries("bases").size(), 1U);
}

TEST_F(ALayeredImage, IsWrittenToByItsOwnMachinesOnly) {
    clone_image(pool(), "web", "db");

    EXPECT_EQ(write("db", "usr/file", "changed"), "done");
    EXPECT_EQ(write("web", "new", "of web"), "done");

    EXPECT_EQ(read("db", "usr/file"), "changed");
    EXPECT_EQ(read("web", "usr/file"), "of the image");
    EXPECT_EQ(read("web", "new"), "of web");
    EXPECT_EQ(read("db", "new"), "nothing");
}

TEST_F(ALayeredImage, LooksLikeTheImageItWasMadeFrom) {
    clone_image(pool(), "web", "db");

    const auto mode =
        in_root_of("db", {}, [&](BorrowedFd root) { return std::to_string(status_of(root).st_mode & 07777); });

    EXPECT_EQ(mode, std::to_string(0751));
}

TEST_F(ALayeredImage, IsClonedWithWhatWasWritten) {
    clone_image(pool(), "web", "db");
    write("db", "usr/file", "second");
    clone_image(pool(), "db", "third");
    write("db", "usr/file", "third");
    clone_image(pool(), "db", "fourth");
    write("fourth", "usr/file", "fourth");

    EXPECT_EQ(read("web", "usr/file"), "of the image");
    EXPECT_EQ(read("third", "usr/file"), "second");
    EXPECT_EQ(read("db", "usr/file"), "third");
    EXPECT_EQ(read("fourth", "usr/file"), "fourth");
    EXPECT_EQ(read_stack(pool().get("fourth").path).layers.size(), 3U);
}

TEST_F(ALayeredImage, RemembersWhatWasRemoved) {
    clone_image(pool(), "web", "db");
    in_root_of("db", {}, [&](BorrowedFd root) {
        ::unlinkat(root.get(), "usr/file", 0);
        return "";
    });
    clone_image(pool(), "db", "third");

    EXPECT_EQ(read("db", "usr/file"), "nothing");
    EXPECT_EQ(read("third", "usr/file"), "nothing");
    EXPECT_EQ(read("web", "usr/file"), "of the image");
}

TEST_F(ALayeredImage, IsClonedWhileAMachineWritesToIt) {
    clone_image(pool(), "web", "db");
    write("db", "usr/file", "running");
    const ImageLock used = lock_image(pool().get("db").path, LockMode::exclusive, places().locks);

    clone_image(pool(), "db", "third");

    EXPECT_EQ(read("third", "usr/file"), "running");
    EXPECT_EQ(read_stack(pool().get("db").path).layers.size(), 1U);
}

TEST_F(ALayeredImage, IsNotMadeOfADirectoryThatAMachineWritesTo) {
    const ImageLock used = lock_image(place.path() / "machines/web", LockMode::exclusive, places().locks);

    EXPECT_EQ(clone_image(pool(), "web", "db"), LayerKind::copy);

    EXPECT_EQ(pool().get("web").type, ImageType::directory);
    EXPECT_EQ(read("db", "usr/file"), "of the image");
}

TEST_F(ALayeredImage, SharesItsBaseUntilTheLastOfThemGoes) {
    clone_image(pool(), "web", "db");
    clone_image(pool(), "web", "third");

    remove("web");
    remove("third");
    EXPECT_EQ(entries("bases").size(), 1U);
    EXPECT_EQ(read("db", "usr/file"), "of the image");

    remove("db");
    EXPECT_THAT(entries("bases"), IsEmpty());
    EXPECT_THAT(entries("machines"), IsEmpty());
    EXPECT_THAT(entries("locks"), IsEmpty());
}

TEST_F(ALayeredImage, KeepsItsBaseWhereverItIsMovedByHand) {
    clone_image(pool(), "web", "db");
    place.make_directory("elsewhere");
    std::filesystem::rename(place.path() / "machines/db.mstack", place.path() / "elsewhere/db.mstack");
    remove("web");

    EXPECT_EQ(read_untrusted(open_image_tree(place.path() / "elsewhere/db.mstack"), "usr/file"), "of the image");
}

TEST_F(ALayeredImage, KeepsItsBaseWhileAnInstanceOfItRuns) {
    clone_image(pool(), "web", "db");
    const ImageLock used = lock_image(read_stack(pool().get("db").path).layers[0], LockMode::shared, places().locks);

    remove("web");
    remove("db");

    EXPECT_EQ(entries("bases").size(), 1U);
}

TEST_F(ALayeredImage, IsRenamedAndMadeReadOnlyLikeAnyOther) {
    clone_image(pool(), "web", "db", {.read_only = true});
    EXPECT_TRUE(pool().get("db").read_only);

    rename_image(pool(), "db", "other");

    EXPECT_TRUE(pool().get("other").read_only);
    EXPECT_EQ(read("other", "usr/file"), "of the image");
    mark_image_read_only(pool(), "other", false);
}

TEST_F(ALayeredImage, IsReadOnlyIfItsSourceWas) {
    mark_image_read_only(pool(), "web", true);

    clone_image(pool(), "web", "db");

    EXPECT_TRUE(pool().get("web").read_only);
    EXPECT_FALSE(pool().get("db").read_only);
    mark_image_read_only(pool(), "web", false);
}

TEST_F(ALayeredImage, IsCopiedWholeOnRequest) {
    clone_image(pool(), "web", "db");
    write("db", "usr/file", "changed");

    EXPECT_NE(clone_image(pool(), "db", "own", {.way = CloneWay::copy}), LayerKind::disk);

    EXPECT_EQ(pool().get("own").type, ImageType::directory);
    EXPECT_EQ(read("own", "usr/file"), "changed");
    EXPECT_EQ(read("own", "etc/os-release"), "ID=debian\n");
}

TEST_F(ALayeredImage, ThrowsAwayTheLayerOfAnInstance) {
    clone_image(pool(), "web", "db");
    write("db", "kept", "yes");

    for (const LayerKind layer : {LayerKind::tmpfs, LayerKind::disk}) {
        const auto seen = in_root_of(
            "db", {},
            [&](BorrowedFd root) {
                write_in(root, "thrown-away", "x");
                return read_untrusted(root, "kept").value_or("nothing") +
                       read_untrusted(root, "thrown-away").value_or("");
            },
            layer);
        EXPECT_EQ(seen, "yesx");
    }
    EXPECT_EQ(read("db", "thrown-away"), "nothing");
}

TEST_F(ALayeredImage, ShowsTheOwnersOfItsMachineWhoeverWroteToIt) {
    clone_image(pool(), "web", "db");
    const auto write_as = [&](std::uint32_t base) {
        return in_root_of("db", {.ownership = Ownership::automatic, .base = base}, [&](BorrowedFd root) {
            const FilesystemIds as_machine{base, base};
            write_in(root, "mine", "x");
            return std::to_string(status_of(open_beneath(root, "mine", O_PATH, Links::refuse)).st_uid) + " " +
                   std::to_string(status_of(open_beneath(root, "usr/file", O_PATH, Links::refuse)).st_uid);
        });
    };

    EXPECT_EQ(write_as(655360), "655360 655360");
    EXPECT_EQ(write_as(720896), "720896 720896");
    clone_image(pool(), "db", "third");
    write_as(720896);
    clone_image(pool(), "db", "own", {.way = CloneWay::copy});
    EXPECT_EQ(status_of(open_path(place.path() / "machines/own/mine", O_PATH)).st_uid, 0U);
    EXPECT_EQ(status_of(open_path(place.path() / "machines/own/usr/file", O_PATH)).st_uid, 0U);
    EXPECT_EQ(in_root_of("third", {},
                         [&](BorrowedFd root) {
                             return std::to_string(status_of(open_beneath(root, "mine", O_PATH, Links::refuse)).st_uid);
                         }),
              "0");
}

TEST_F(ALayeredImage, IsMadeWholeOrNotAtAllAtAnyCut) {
    const int cuts = at_every_cut([&] { make(); }, [&] { clone_image(pool(), "web", "db"); },
                                  [&](bool complete) {
                                      ASSERT_EQ(read("web", "usr/file"), "of the image");
                                      if (pool().find("db"))
                                          EXPECT_EQ(read("db", "usr/file"), "of the image");
                                      else
                                          EXPECT_FALSE(complete);
                                  });
    EXPECT_GT(cuts, 50);
}

TEST_F(ALayeredImage, CanBeClonedAgainAndRemovedAfterACutWhereverThatWas) {
    at_every_cut([&] { make(); }, [&] { clone_image(pool(), "web", "db"); },
                 [&](bool) {
                     if (!pool().find("db"))
                         clone_image(pool(), "web", "db");
                     EXPECT_EQ(read("db", "usr/file"), "of the image");
                     remove("web");
                     remove("db");
                     EXPECT_THAT(names(), ElementsAre(".host"));
                     for (const auto& left : set_aside_in(place.path() / "machines"))
                         remove_set_aside(left);
                     for (const auto& left : collect_bases(places().bases, places().locks))
                         remove_set_aside(left);
                     // Lock files of who was killed harm nobody.
                     EXPECT_THAT(entries("machines"), ::testing::Each(::testing::EndsWith(".lck")));
                     EXPECT_THAT(entries("bases"), IsEmpty());
                 });
}

TEST_F(ALayeredImage, KeepsWhatWasWrittenAtAnyCutOfItsClone) {
    at_every_cut(
        [&] {
            make();
            clone_image(pool(), "web", "db");
            std::filesystem::create_directories(pool().get("db").path / "rw/data");
            write_all(open_path(pool().get("db").path / "rw/data/written", O_WRONLY | O_CREAT, 0644), "kept");
        },
        [&] { clone_image(pool(), "db", "third"); },
        [&](bool complete) {
            ASSERT_EQ(read("db", "written"), "kept");
            ASSERT_EQ(read("db", "usr/file"), "of the image");
            if (pool().find("third"))
                EXPECT_EQ(read("third", "written"), "kept");
            else
                EXPECT_FALSE(complete);
            EXPECT_EQ(write("db", "more", "x"), "done");
        });
}

TEST_F(ALayeredImage, WithALayerThatIsNotThereIsRefused) {
    place.make_directory("machines/bad.mstack");
    place.link("/nowhere/tree", "machines/bad.mstack/layer@0");

    EXPECT_THROW((void)open_image_tree(place.path() / "machines/bad.mstack"), Failure);
    EXPECT_THROW(clone_image(pool(), "bad", "x"), Failure);
    remove("bad");
}

TEST_F(ALayeredImage, MayHaveLayersInItself) {
    place.write("machines/own.mstack/layer@2/file", "lower");
    place.write("machines/own.mstack/layer@10/file", "upper");
    place.make_directory("machines/own.mstack/rw");

    EXPECT_EQ(read("own", "file"), "upper");
    EXPECT_EQ(clone_image(pool(), "own", "copy"), LayerKind::copy);
    EXPECT_EQ(read("copy", "file"), "upper");
}

} // namespace
} // namespace machinist
