// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/root_mount.hpp"

#include "image/overlay.hpp"
#include "kernel/filesystem_ids.hpp"
#include "private_mounts.hpp"
#include "temporary_directory.hpp"

#include <cerrno>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/mount.h>
#include <string>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <vector>

using namespace machinist;
using machinist::testing::in_private_mounts;
using machinist::testing::TemporaryDirectory;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace {

constexpr std::uint32_t base = 655360;

// As the machine's root would: with ids that exist in its mounts.
void write_as(std::uint32_t id, BorrowedFd root, const char* name, const char* text) {
    const FilesystemIds as_machine{id, id};
    const UniqueFd file = [&] {
        UniqueFd made{::openat(root.get(), name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
        if (!made)
            throw system_failure(std::string{"write "} + name);
        return made;
    }();
    write_all(file, text);
}

std::string outcome_of(const auto& body) {
    try {
        body();
        return "done";
    } catch (const Failure& failure) {
        return std::to_string(failure.error_number());
    }
}

std::string owner_of(BorrowedFd root, const char* name) {
    const UniqueFd file = open_beneath(root, name, O_PATH, Links::refuse);
    return std::to_string(status_of(file).st_uid);
}

std::string text_of(BorrowedFd root, const char* name) {
    return read_untrusted(root, name).value_or("nothing");
}

bool has_flag(BorrowedFd mount, unsigned long flag) {
    struct statvfs filesystem {};
    return ::fstatvfs(mount.get(), &filesystem) == 0 && (filesystem.f_flag & flag) != 0;
}

class ARoot : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        directory_.write("image/etc/hostname", "from the image");
        directory_.write("image/usr/bin/tool", "of usr");
        directory_.write("image/var/lib/data", "of var");
        directory_.make_directory("staging");
        ASSERT_EQ(::chown((directory_.path() / "image/var/lib/data").c_str(), 33, 33), 0);
        ASSERT_EQ(::chmod((directory_.path() / "image").c_str(), 0751), 0);
        spec_.directory = directory_.path() / "image";
    }

    [[nodiscard]] RootMount compose() const {
        return compose_from(open_path(directory_.path() / "staging", O_PATH));
    }
    [[nodiscard]] RootMount compose_from(BorrowedFd staging) const {
        return compose_root(spec_, ownership_, staging, plan_layer(spec_, "test", directory_.path() / "layers"));
    }
    [[nodiscard]] std::string image_text(const char* name) const {
        return read_file_if_exists(spec_.directory / name).value_or("nothing");
    }

    TemporaryDirectory directory_;
    RootSpec spec_;
    RootOwnership ownership_;
};

} // namespace

TEST_F(ARoot, ThatIsPlainIsTheImageItself) {
    const auto said = in_private_mounts([&] {
        const auto root = compose();
        write_as(0, root.mount, "new", "by the machine");
        return text_of(root.mount, "etc/hostname") + (has_flag(root.mount, ST_NODEV) ? ", no devices" : "");
    });

    EXPECT_EQ(said, "from the image, no devices");
    EXPECT_EQ(image_text("new"), "by the machine");
}

TEST_F(ARoot, OpensNoDeviceNodeOfItsImage) {
    ASSERT_EQ(::mknod((spec_.directory / "null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);

    for (const LayerKind kind : {LayerKind::none, LayerKind::tmpfs, LayerKind::disk}) {
        spec_.layer = kind;
        const auto said = in_private_mounts([&] {
            const auto root = compose();
            return outcome_of([&] { open_beneath(root.mount, "null", O_RDONLY, Links::refuse); });
        });

        EXPECT_EQ(said, std::to_string(EACCES)) << name_of(layer_kind_names, kind);
    }
}

TEST_F(ARoot, IsAttachedBelowTheStagingDirectory) {
    const auto said = in_private_mounts([&] {
        const auto root = compose();
        return read_file(directory_.path() / "staging/root/etc/hostname");
    });

    EXPECT_EQ(said, "from the image");
}

TEST_F(ARoot, ShowsTheOwnersOfItsRangeWithoutChangingTheImage) {
    ownership_ = {.ownership = Ownership::automatic, .base = base};

    const auto said = in_private_mounts([&] {
        const auto root = compose();
        write_as(base, root.mount, "new", "by the machine");
        return owner_of(root.mount, ".") + " " + owner_of(root.mount, "var/lib/data") + " " +
               std::string{name_of(ownership_names, root.ownership)};
    });

    EXPECT_EQ(said, "655360 655393 map");
    EXPECT_EQ(status_of(open_path(spec_.directory / "var/lib/data", O_PATH)).st_uid, 33U);
    EXPECT_EQ(status_of(open_path(spec_.directory / "new", O_PATH)).st_uid, 0U);
}

TEST_F(ARoot, OfAForeignTreeShowsTheOwnersOfItsRange) {
    for (const char* name : {"", "etc", "etc/hostname"})
        ASSERT_EQ(::chown((spec_.directory / name).c_str(), foreign_range, foreign_range), 0);
    ownership_ = {.ownership = Ownership::automatic, .base = base};

    const auto said = in_private_mounts([&] { return owner_of(compose().mount, "etc/hostname"); });

    EXPECT_EQ(said, "655360");
}

TEST_F(ARoot, ThatIsReadOnlyIsSoOnlyOnceItIsSealed) {
    spec_.read_only = true;

    const auto said = in_private_mounts([&] {
        const auto root = compose();
        const auto before = outcome_of([&] { write_as(0, root.mount, "proc", ""); });
        seal_root(root);
        return before + " " + outcome_of([&] { write_as(0, root.mount, "late", ""); });
    });

    EXPECT_EQ(said, "done " + std::to_string(EROFS));
}

TEST_F(ARoot, ThatIsSealedLeavesWhatWasMountedOnItSince) {
    directory_.write("other/file", "of another mount");
    directory_.make_directory("image/srv");
    directory_.make_directory("image/dev");
    spec_.read_only = true;

    const auto said = in_private_mounts([&] {
        attach_mount(clone_mount(open_path(directory_.path() / "other", O_PATH), false),
                     open_path(spec_.directory / "srv", O_PATH));
        const auto root = compose();
        attach_mount(make_filesystem("tmpfs", {}), open_beneath(root.mount, "dev", O_PATH, Links::refuse));
        seal_root(root);
        return outcome_of([&] { write_as(0, root.mount, "dev/node", ""); }) + " " +
               outcome_of([&] { write_as(0, root.mount, "srv/file", ""); });
    });

    EXPECT_EQ(said, "done " + std::to_string(EROFS));
}

TEST_F(ARoot, OfAReadOnlyMountIsNeverMadeWritable) {
    spec_.read_only = true;

    const auto said = in_private_mounts([&] {
        const UniqueFd closed = clone_mount(open_path(spec_.directory, O_PATH), false);
        change_mount(closed, {.set = MOUNT_ATTR_RDONLY});
        attach_mount(closed, open_path(spec_.directory, O_PATH));
        const auto root = compose();
        return outcome_of([&] { write_as(0, root.mount, "new", ""); });
    });

    EXPECT_EQ(said, std::to_string(EROFS));
}

class ALayeredRoot : public ARoot, public ::testing::WithParamInterface<LayerKind> {
protected:
    void SetUp() override {
        ARoot::SetUp();
        spec_.layer = GetParam();
    }
};

TEST_P(ALayeredRoot, TakesChangesAndLeavesTheImageAsItIs) {
    const auto said = in_private_mounts([&] {
        const auto root = compose();
        write_as(0, root.mount, "etc/hostname", "changed");
        write_as(0, root.mount, "new", "by the machine");
        if (::unlinkat(root.mount.get(), "usr/bin/tool", 0) != 0 ||
            ::renameat(root.mount.get(), "var/lib", root.mount.get(), "var/moved") != 0)
            throw system_failure("change the root");
        return text_of(root.mount, "etc/hostname") + ", " + text_of(root.mount, "new") + ", " +
               text_of(root.mount, "usr/bin/tool") + ", " + text_of(root.mount, "var/moved/data") + ", " +
               std::string{name_of(layer_kind_names, root.layer)};
    });

    EXPECT_EQ(said, "changed, by the machine, nothing, of var, " + std::string{name_of(layer_kind_names, GetParam())});
    EXPECT_EQ(image_text("etc/hostname"), "from the image");
    EXPECT_EQ(image_text("new"), "nothing");
    EXPECT_EQ(image_text("usr/bin/tool"), "of usr");
    EXPECT_EQ(image_text("var/lib/data"), "of var");
}

TEST_P(ALayeredRoot, LooksLikeTheImageToItsRange) {
    ownership_ = {.ownership = Ownership::automatic, .base = base};

    const auto said = in_private_mounts([&] {
        const auto root = compose();
        write_as(base, root.mount, "etc/hostname", "changed");
        write_as(base, root.mount, "new", "by the machine");
        return owner_of(root.mount, ".") + " " + owner_of(root.mount, "var/lib/data") + " " +
               owner_of(root.mount, "etc/hostname") + " " + owner_of(root.mount, "new") + " " +
               std::to_string(status_of(root.mount).st_mode & 07777);
    });

    EXPECT_EQ(said, "655360 655393 655360 655360 " + std::to_string(0751));
    EXPECT_EQ(image_text("new"), "nothing");
}

TEST_P(ALayeredRoot, IsUndoneByTheLinesOfItsPlan) {
    const auto plan = plan_layer(spec_, "test", directory_.path() / "layers");
    const auto said = in_private_mounts([&] {
        compose_root(spec_, ownership_, open_path(directory_.path() / "staging", O_PATH), plan);
        return std::string{"composed"};
    });
    ASSERT_EQ(said, "composed");

    for (const auto& line : plan.undo_lines) {
        const Path path = line.substr(line.find(' ') + 1);
        remove_tree(open_path(path.parent_path(), O_PATH), path.filename());
    }

    EXPECT_TRUE(std::filesystem::is_empty(directory_.path() / "staging/root"));
    std::vector<std::string> left;
    for (const auto& entry : std::filesystem::directory_iterator{directory_.path()})
        left.push_back(entry.path().filename());
    if (std::filesystem::exists(directory_.path() / "layers")) {
        EXPECT_TRUE(std::filesystem::is_empty(directory_.path() / "layers"));
        std::erase(left, "layers");
    }
    EXPECT_THAT(left, ::testing::UnorderedElementsAre("image", "staging"));
}

INSTANTIATE_TEST_SUITE_P(OfEachKind, ALayeredRoot,
                         ::testing::Values(LayerKind::tmpfs, LayerKind::disk, LayerKind::copy),
                         [](const auto& kind) { return std::string{name_of(layer_kind_names, kind.param)}; });

TEST_F(ARoot, WithALayerOnDiskStartsFreshAfterACrash) {
    spec_.layer = LayerKind::disk;
    const auto leave_something = [&] {
        const auto root = compose();
        write_as(0, root.mount, "left", "by an earlier one");
        return text_of(root.mount, "left");
    };
    ASSERT_EQ(in_private_mounts(leave_something), "by an earlier one");

    EXPECT_EQ(in_private_mounts([&] { return text_of(compose().mount, "left"); }), "nothing");
}

TEST_F(ARoot, GivesWhatIsMountedInTheImageALayerToo) {
    directory_.write("other/file", "of another mount");
    directory_.make_directory("image/srv");
    spec_.layer = LayerKind::tmpfs;

    const auto said = in_private_mounts([&] {
        attach_mount(clone_mount(open_path(directory_.path() / "other", O_PATH), false),
                     open_path(spec_.directory / "srv", O_PATH));
        const auto root = compose();
        write_as(0, root.mount, "srv/file", "changed");
        return text_of(root.mount, "srv/file");
    });

    EXPECT_EQ(said, "changed");
    EXPECT_EQ(read_file(directory_.path() / "other/file"), "of another mount");
}

TEST_F(ARoot, IncludesWhatIsMountedInTheImage) {
    directory_.write("other/file", "of another mount");
    directory_.make_directory("image/srv");
    ownership_ = {.ownership = Ownership::automatic, .base = base};

    const auto said = in_private_mounts([&] {
        attach_mount(clone_mount(open_path(directory_.path() / "other", O_PATH), false),
                     open_path(spec_.directory / "srv", O_PATH));
        const auto root = compose();
        return text_of(root.mount, "srv/file") + " " + owner_of(root.mount, "srv/file");
    });

    EXPECT_EQ(said, "of another mount 655360");
}

TEST_F(ARoot, ThatIsVolatileHasOnlyUsrOfTheImage) {
    ASSERT_EQ(::symlink("usr/bin", (spec_.directory / "bin").c_str()), 0);
    spec_.volatile_mode = VolatileMode::yes;
    ownership_ = {.ownership = Ownership::automatic, .base = base};

    const auto said = in_private_mounts([&] {
        const auto root = compose();
        write_as(base, root.mount, "new", "in memory");
        return text_of(root.mount, "usr/bin/tool") + ", " + text_of(root.mount, "etc/hostname") + ", " +
               owner_of(root.mount, ".") + ", " + owner_of(root.mount, "usr") + ", " +
               outcome_of([&] { write_as(base, root.mount, "usr/new", ""); });
    });

    EXPECT_EQ(said, "of usr, nothing, 655360, 655360, " + std::to_string(EROFS));
    EXPECT_EQ(image_text("new"), "nothing");
}

TEST_F(ARoot, ThatIsVolatileNeedsAMergedUsr) {
    directory_.make_directory("image/bin");
    spec_.volatile_mode = VolatileMode::yes;

    const auto said = in_private_mounts([&] {
        static_cast<void>(compose());
        return std::string{"composed"};
    });

    EXPECT_THAT(said, AllOf(StartsWith("failure"), HasSubstr("--volatile=overlay")));
}

TEST_F(ARoot, OfVolatileStateIsReadOnlyButForVar) {
    spec_.volatile_mode = VolatileMode::state;
    ownership_ = {.ownership = Ownership::automatic, .base = base};

    const auto said = in_private_mounts([&] {
        const auto root = compose();
        write_as(base, root.mount, "var/new", "in memory");
        return text_of(root.mount, "var/new") + ", " + text_of(root.mount, "var/lib/data") + ", " +
               outcome_of([&] { write_as(base, root.mount, "etc/hostname", ""); });
    });

    EXPECT_EQ(said, "in memory, nothing, " + std::to_string(EROFS));
    EXPECT_EQ(image_text("var/lib/data"), "of var");
}

TEST_F(ARoot, OfAVolatileOverlayIsWritableInMemory) {
    spec_.volatile_mode = VolatileMode::overlay;

    const auto said = in_private_mounts([&] {
        const auto root = compose();
        write_as(0, root.mount, "etc/hostname", "changed");
        return text_of(root.mount, "etc/hostname") + " " + std::string{name_of(layer_kind_names, root.layer)};
    });

    EXPECT_EQ(said, "changed tmpfs");
    EXPECT_EQ(image_text("etc/hostname"), "from the image");
}

TEST_F(ARoot, MayBeADirectoryOfTheImageWithTheRestBelow) {
    directory_.write("image/ostree/deploy/etc/hostname", "of the deployment");
    directory_.make_directory("image/ostree/deploy/sysroot");
    spec_.pivot_new = "/ostree/deploy";
    spec_.pivot_old = "/sysroot";

    for (const LayerKind kind : {LayerKind::none, LayerKind::tmpfs}) {
        spec_.layer = kind;
        const auto said = in_private_mounts([&] {
            const auto root = compose();
            return text_of(root.mount, "etc/hostname") + ", " + text_of(root.mount, "sysroot/etc/hostname");
        });

        EXPECT_EQ(said, "of the deployment, from the image");
    }
}

TEST_F(ARoot, IsNotTakenFromWhereALinkInTheImageLeadsOut) {
    directory_.write("outside/etc/hostname", "of the host");
    directory_.link("../outside", "image/deploy");
    spec_.pivot_new = "/deploy";

    const auto said = in_private_mounts([&] { return text_of(compose().mount, "etc/hostname"); });

    EXPECT_THAT(said, StartsWith("failure"));
}

// ---- a filesystem that cannot map owners: ramfs

class AnUnmappableImage : public ARoot {
protected:
    template <typename Body>
    std::string with_image(Body&& body) {
        return in_private_mounts([&] {
            directory_.make_directory("ram");
            const UniqueFd ram = make_filesystem("ramfs", {{{"mode", "0755"}}, 0});
            attach_mount(ram, open_path(directory_.path() / "ram", O_PATH));
            write_as(0, ram, "file", "from the image");
            ::fchownat(ram.get(), "file", 33, 33, 0);
            if (::mkdirat(ram.get(), "usr", 0755) < 0 || ::mkdirat(ram.get(), "var", 0755) < 0)
                throw system_failure("make the image");
            spec_.directory = directory_.path() / "ram";
            ownership_ = {.ownership = Ownership::automatic, .base = base};
            return body();
        });
    }
};

TEST_F(AnUnmappableImage, GetsOtherOwnersWhereItMayBeWritten) {
    const auto said = with_image([&] {
        const auto root = compose();
        return owner_of(root.mount, "file") + " " + owner_of(root.mount, ".") + " " +
               std::string{name_of(ownership_names, root.ownership)} + " " +
               std::to_string(status_of(open_path(spec_.directory / "file", O_PATH)).st_uid);
    });

    EXPECT_EQ(said, "655393 655360 chown 655393");
}

TEST_F(AnUnmappableImage, StaysAsItIsBelowALayer) {
    spec_.layer = LayerKind::tmpfs;

    const auto said = with_image([&] {
        const auto root = compose();
        write_as(base, root.mount, "file", "changed");
        return text_of(root.mount, "file") + " " + owner_of(root.mount, "file") + " " +
               std::to_string(status_of(open_path(spec_.directory / "file", O_PATH)).st_uid);
    });

    EXPECT_EQ(said, "changed 655393 33");
}

TEST_F(AnUnmappableImage, StaysAsItIsWhenItMustNotBeWritten) {
    spec_.read_only = true;

    const auto said = with_image([&] {
        const auto root = compose();
        seal_root(root);
        return owner_of(root.mount, "file") + " " + outcome_of([&] { write_as(base, root.mount, "new", ""); }) + " " +
               std::to_string(status_of(open_path(spec_.directory / "file", O_PATH)).st_uid);
    });

    EXPECT_EQ(said, "655393 " + std::to_string(EROFS) + " 33");
}

TEST_F(AnUnmappableImage, IsRefusedWhereOnlyAMapWasAllowed) {
    const auto said = with_image([&] {
        ownership_.ownership = Ownership::map;
        static_cast<void>(compose());
        return std::string{"composed"};
    });

    EXPECT_THAT(said, AllOf(StartsWith("failure"), HasSubstr("--private-users-ownership=chown")));
}

// ---- an image that is an overlay itself

TEST_F(ARoot, OfAnOverlayCanHaveALayerInMemoryButNotInAPoolOnIt) {
    directory_.make_directory("over");
    const auto said = in_private_mounts([&] {
        directory_.make_directory("memory");
        UpperSpace space = UpperSpace::in_memory(open_path(directory_.path() / "memory", O_PATH));
        const UniqueFd lower = open_path(directory_.path() / "image", O_PATH);
        attach_mount(make_overlay(lower, space.next()), open_path(directory_.path() / "over", O_PATH));
        spec_.directory = directory_.path() / "over";
        ownership_ = {.ownership = Ownership::automatic, .base = base};
        spec_.layer = LayerKind::tmpfs;
        const auto staging = open_path(directory_.path() / "staging", O_PATH);
        const auto in_memory = compose_from(staging);
        const auto seen = text_of(in_memory.mount, "etc/hostname") + " " + owner_of(in_memory.mount, "var/lib/data");
        try {
            UpperSpace::on_disk(directory_.path() / "over/layers/test");
        } catch (const Failure& failure) {
            return seen + " | " + failure.what();
        }
        return seen;
    });

    EXPECT_THAT(said, AllOf(StartsWith("from the image 655393 | "), HasSubstr("--layer=tmpfs")));
}
