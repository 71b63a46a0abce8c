// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/imports.hpp"

#include "base/failure.hpp"
#include "byte_file.hpp"
#include "cut_off.hpp"
#include "image/set_aside.hpp"
#include "packed.hpp"
#include "private_mounts.hpp"
#include "tar_file.hpp"
#include "transfer/exports.hpp"
#include "unit/image/pool_fixture.hpp"
#include "watching.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sys/mount.h>
#include <sys/stat.h>

namespace machinist {
namespace {

using machinist::testing::file_with;
using machinist::testing::packed;
using machinist::testing::TarFile;
using machinist::testing::TemporaryDirectory;
using machinist::testing::Watching;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string archive_of(const std::string& text) {
    TarFile archive;
    archive.directory("./").directory("./etc").file("./etc/motd", text).directory("./usr");
    return archive.end().bytes();
}

class AnImport : public machinist::testing::APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root can give files away";
    }

    void import(ImportKind kind, const std::string& bytes, const std::string& name, NewImageOptions options = {}) {
        options.sync = false;
        const Pool images = pool();
        import_image(images, kind, file_with(bytes), name, options, watching.meter);
    }
    std::string refusal(ImportKind kind, const std::string& bytes, const std::string& name,
                        NewImageOptions options = {}) {
        try {
            import(kind, bytes, name, options);
        } catch (const Failure& failure) {
            return failure.what();
        }
        return "";
    }
    [[nodiscard]] std::string text(const std::string& path) const {
        std::ifstream file{place.path() / "machines" / path, std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

    Watching watching;
};

TEST_F(AnImport, OfAnArchiveIsAnImage) {
    import(ImportKind::tar, packed(Compression::zstd, archive_of("hello")), "web");

    EXPECT_EQ(pool().get("web").type, ImageType::directory);
    EXPECT_EQ(text("web/etc/motd"), "hello");
    EXPECT_THAT(watching.stages, ElementsAre("unpacking", "finishing"));
    EXPECT_THAT(entries("machines"), ElementsAre("web"));
}

TEST_F(AnImport, LiftsASystemOutOfItsOnlyDirectory) {
    TarFile archive;
    archive.directory("rootfs", 0711).directory("rootfs/usr").file("rootfs/etc/motd", "hello");

    import(ImportKind::tar, archive.end().bytes(), "web");

    EXPECT_EQ(text("web/etc/motd"), "hello");
    struct stat status {};
    ASSERT_EQ(::stat((place.path() / "machines/web").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0711U);
}

TEST_F(AnImport, OfADiskKeepsItsHoles) {
    std::string disk(8 << 20, '\0');
    disk.replace(5 << 20, 4, "data");

    import(ImportKind::raw, packed(Compression::xz, disk), "web");

    EXPECT_EQ(pool().get("web").type, ImageType::raw);
    EXPECT_TRUE(text("web.raw") == disk);
    struct stat status {};
    ASSERT_EQ(::stat((place.path() / "machines/web.raw").c_str(), &status), 0);
    EXPECT_LT(status.st_blocks * 512, 1 << 20);
}

TEST_F(AnImport, MayBeReadOnly) {
    import(ImportKind::tar, archive_of("hello"), "tree", {.read_only = true});
    import(ImportKind::raw, std::string(4096, 'x'), "disk", {.read_only = true});

    EXPECT_TRUE(pool().get("tree").read_only);
    EXPECT_TRUE(pool().get("disk").read_only);
}

TEST_F(AnImport, DoesNotTouchAnImageOfThatName) {
    import(ImportKind::tar, archive_of("old"), "web");

    EXPECT_THAT(refusal(ImportKind::tar, archive_of("new"), "web"), HasSubstr("exists already"));

    EXPECT_EQ(text("web/etc/motd"), "old");
}

TEST_F(AnImport, ReplacesOneByForceWhateverItsForm) {
    import(ImportKind::tar, archive_of("old"), "web", {.read_only = true});

    import(ImportKind::tar, archive_of("new"), "web", {.force = true});
    EXPECT_EQ(text("web/etc/motd"), "new");
    import(ImportKind::raw, std::string(4096, 'x'), "web", {.force = true});
    EXPECT_EQ(pool().get("web").type, ImageType::raw);
    import(ImportKind::tar, archive_of("newest"), "web", {.force = true});
    EXPECT_EQ(text("web/etc/motd"), "newest");

    EXPECT_THAT(entries("machines"), ElementsAre("web"));
}

TEST_F(AnImport, DoesNotReplaceAnImageInUse) {
    import(ImportKind::tar, archive_of("old"), "web");
    const ImageHold used{pool(), pool().get("web"), LockMode::shared};

    EXPECT_NE(refusal(ImportKind::tar, archive_of("new"), "web", {.force = true}), "");

    EXPECT_EQ(text("web/etc/motd"), "old");
}

TEST_F(AnImport, ThatFailsLeavesNothing) {
    TarFile hostile;
    hostile.file("usr/good", "x").file("../bad", "x");
    const std::string packed_archive = packed(Compression::gzip, archive_of("hello"));

    EXPECT_NE(refusal(ImportKind::tar, hostile.end().bytes(), "web"), "");
    EXPECT_NE(refusal(ImportKind::tar, packed_archive.substr(0, packed_archive.size() / 2), "web"), "");
    EXPECT_NE(refusal(ImportKind::raw, packed_archive.substr(0, packed_archive.size() / 2), "web"), "");
    EXPECT_NE(refusal(ImportKind::raw, "", "web"), "");
    EXPECT_NE(refusal(ImportKind::tar, std::string(1024, '\0'), "web"), "");

    EXPECT_THAT(entries("machines"), IsEmpty());
    EXPECT_THAT(entries("locks"), IsEmpty());
}

TEST_F(AnImport, TakesNoNameThatIsNone) {
    for (const char* name : {"", ".", "..", "a/b", ".#x", ".host", "a\nb"})
        EXPECT_NE(refusal(ImportKind::raw, std::string(512, 'x'), name), "") << name;

    EXPECT_THAT(entries("machines"), IsEmpty());
}

TEST_F(AnImport, ThatIsCanceledLeavesNothing) {
    watching.cancellation.cancel();

    EXPECT_THAT(refusal(ImportKind::tar, archive_of("hello"), "web"), HasSubstr("canceled"));

    EXPECT_THAT(entries("machines"), IsEmpty());
}

TEST_F(AnImport, OfADirectoryIsACopy) {
    const TemporaryDirectory tree;
    tree.write("etc/motd", "hello");
    tree.link("motd", "etc/issue");
    const Pool images = pool();

    import_image(images, ImportKind::directory, tree.descriptor(), "web", {.sync = false}, watching.meter);

    EXPECT_EQ(text("web/etc/motd"), "hello");
    EXPECT_EQ(std::filesystem::read_symlink(place.path() / "machines/web/etc/issue"), "motd");
}

TEST_F(AnImport, ToldByContentIsOfTheRightKind) {
    const TemporaryDirectory tree;
    EXPECT_EQ(kind_of_import(tree.descriptor()), ImportKind::directory);
    EXPECT_EQ(kind_of_import(file_with(archive_of("x"))), ImportKind::tar);
    EXPECT_EQ(kind_of_import(file_with(packed(Compression::bzip2, archive_of("x")))), ImportKind::tar);
    EXPECT_EQ(kind_of_import(file_with(packed(Compression::gzip, std::string(4096, 'x')))), ImportKind::raw);
    EXPECT_EQ(kind_of_import(file_with(std::string("QFI\xfb") + std::string(4096, '\0'))), ImportKind::raw);
    EXPECT_THROW(kind_of_import(file_with("short")), Failure);
}

TEST_F(AnImport, KilledAnywhereIsThereWholeOrNotAtAll) {
    const std::string bytes = archive_of("new");
    const auto prepare = [&] {
        for (const auto& path : set_aside_in(place.path() / "machines"))
            remove_set_aside(path);
        std::filesystem::remove_all(place.path() / "machines/web");
    };
    const int cuts = machinist::testing::at_every_cut(
        prepare, [&] { import(ImportKind::tar, bytes, "web"); },
        [&](bool complete) {
            const auto image = pool().find("web");
            EXPECT_TRUE(image || !complete);
            if (image) {
                EXPECT_EQ(text("web/etc/motd"), "new");
            }
            for (const auto& path : set_aside_in(place.path() / "machines"))
                remove_set_aside(path);
            const auto left = entries("machines");
            EXPECT_LE(left.size(), image ? 1U : 0U);
        });

    EXPECT_GT(cuts, 20);
}

TEST_F(AnImport, ByForceKilledAnywhereLeavesTheOldOneOrTheNew) {
    const std::string bytes = archive_of("new");
    const auto prepare = [&] {
        for (const auto& path : set_aside_in(place.path() / "machines"))
            remove_set_aside(path);
        std::filesystem::remove_all(place.path() / "machines/web");
        import(ImportKind::tar, archive_of("old"), "web");
    };

    machinist::testing::at_every_cut(
        prepare, [&] { import(ImportKind::tar, bytes, "web", {.force = true}); },
        [&](bool complete) {
            const std::string found = text("web/etc/motd");
            EXPECT_TRUE(found == "new" || (found == "old" && !complete)) << found;
        });
}

TEST_F(AnImport, OnAFullDiskLeavesNothing) {
    std::string noise;
    for (std::uint32_t number = 1; noise.size() < 300'000;)
        noise.push_back(static_cast<char>((number = number * 1664525 + 1013904223) >> 24));
    TarFile archive;
    archive.directory("usr");
    for (int number = 0; number < 12; ++number)
        archive.file("usr/" + std::to_string(number), noise.substr(static_cast<std::size_t>(number) * 20'000, 20'000));
    const std::string bytes = packed(Compression::gzip, archive.end().bytes());
    const std::string disk = packed(Compression::zstd, noise);
    const auto machines = place.path() / "machines";

    const std::string problems = machinist::testing::in_private_mounts([&] {
        std::string found;
        for (int kilobytes = 16; kilobytes < 4096; kilobytes += 16) {
            const std::string size = "size=" + std::to_string(kilobytes) + "k";
            if (::mount("tmpfs", machines.c_str(), "tmpfs", 0, size.c_str()) != 0)
                return std::string{"cannot mount"};
            const std::string why = refusal(ImportKind::tar, bytes, "tree");
            if (why.empty())
                return found;
            if (why.find("No space left") == std::string::npos || refusal(ImportKind::raw, disk, "disk").empty())
                found += size + ": " + why + "; ";
            for (const std::string& left : entries("machines"))
                found += size + ": " + left + " is left; ";
            ::umount2(machines.c_str(), MNT_DETACH);
        }
        return std::string{"it never fits"};
    });

    EXPECT_EQ(problems, "");
}

TEST_F(AnImport, ComesBackByAnExport) {
    import(ImportKind::tar, archive_of("hello"), "web");
    import(ImportKind::raw, std::string(100'000, 'x'), "disk");
    const Pool images = pool();
    const auto tar = place.path() / "web.tar.gz";
    const auto raw = place.path() / "disk.raw";

    export_image_to(images, ExportKind::tar, "web", tar, Compression::gzip, watching.meter);
    export_image_to(images, ExportKind::raw, "disk", raw, Compression::none, watching.meter);

    import_image(images, ImportKind::tar, open_path(tar, O_RDONLY), "again", {.sync = false}, watching.meter);
    EXPECT_EQ(text("again/etc/motd"), "hello");
    EXPECT_EQ(std::filesystem::file_size(raw), 100'000U);
    EXPECT_THROW(export_image_to(images, ExportKind::raw, "web", raw, Compression::none, watching.meter), Failure);
}

TEST_F(AnImport, IsNotExportedWhileAMachineWritesToIt) {
    import(ImportKind::tar, archive_of("hello"), "web");
    const ImageHold used{pool(), pool().get("web"), LockMode::exclusive};
    const auto tar = place.path() / "web.tar";

    EXPECT_THROW(export_image_to(pool(), ExportKind::tar, "web", tar, Compression::none, watching.meter), Failure);

    EXPECT_FALSE(std::filesystem::exists(tar));
}

TEST(ImageNames, ComeFromFileNames) {
    EXPECT_EQ(image_name_from("/tmp/web.tar.xz"), "web");
    EXPECT_EQ(image_name_from("web.raw"), "web");
    EXPECT_EQ(image_name_from("web.raw.zst"), "web");
    EXPECT_EQ(image_name_from("web.qcow2"), "web");
    EXPECT_EQ(image_name_from("web.tgz"), "web");
    EXPECT_EQ(image_name_from("/srv/trees/web/"), "web");
    EXPECT_EQ(image_name_from("debian-12.5.tar"), "debian-12.5");
}

} // namespace
} // namespace machinist
