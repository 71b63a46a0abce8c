// SPDX-License-Identifier: LGPL-2.1-or-later
// OCI images from layouts and archives, as they become images of a pool.
#include "transfer/layered_import.hpp"

#include "base/failure.hpp"
#include "cut_off.hpp"
#include "image/clone_image.hpp"
#include "image/image_changes.hpp"
#include "image/set_aside.hpp"
#include "image/shared_base.hpp"
#include "image/stack.hpp"
#include "kernel/files.hpp"
#include "transfer/image_archive.hpp"
#include "transfer/image_layout.hpp"
#include "unit/image/pool_fixture.hpp"
#include "unit/transfer/byte_file.hpp"
#include "unit/transfer/oci_image.hpp"

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <set>
#include <string>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace machinist {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::file_with;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::OciImage;
using testing::plain_layer;
using ::testing::StartsWith;
using testing::TarFile;

class AnOciImage : public testing::APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root can give files away";
    }

    [[nodiscard]] ProgressMeter meter() {
        return {cancellation, [this](const TransferProgress& progress) { stages.insert(progress.stage); },
                [this](int, const std::string& sentence) { said += sentence + "\n"; }};
    }
    void import_from(const std::string& directory, const std::string& name, const std::string& reference = "") {
        const UniqueFd opened = open_path(place.path() / directory, O_RDONLY | O_DIRECTORY);
        ProgressMeter counting = meter();
        import_layers(pool(), image_in_layout(opened, reference), name, {.sync = false}, counting);
    }
    void import_layout(const OciImage& image, const std::string& name) {
        image.write_layout(place, "layout-" + name);
        import_from("layout-" + name, name);
    }
    std::string refusal(const std::function<void()>& body) {
        try {
            body();
            return "none";
        } catch (const Failure& failure) {
            return (failure.kind() == FailureKind::hostile ? "hostile: " : "") + std::string{failure.what()};
        }
    }
    std::string refusal_of(const OciImage& image) {
        return refusal([&] { import_layout(image, "bad"); });
    }
    [[nodiscard]] std::string seen(const std::string& name, const std::string& file) const {
        return read_untrusted(open_image_tree(pool().get(name).path), file).value_or("nothing");
    }
    [[nodiscard]] std::size_t bases() const {
        std::error_code none;
        std::size_t count = 0;
        for (const auto& entry : std::filesystem::directory_iterator{place.path() / "bases", none})
            count += entry.path().filename().native().starts_with("sha256-") ? 1 : 0;
        return count;
    }
    void expect_nothing_left() const {
        EXPECT_THAT(entries("machines"), IsEmpty());
        if (std::filesystem::exists(place.path() / "bases")) {
            EXPECT_THAT(entries("bases"), IsEmpty());
        }
    }
    // What `gc` does.
    void collect_leftovers() const {
        for (const auto& left : collect_bases(place.path() / "bases", places().locks))
            remove_set_aside(left);
        for (const auto& left : set_aside_in(place.path() / "machines"))
            remove_set_aside(left);
    }

    static OciImage small() {
        return {.layers = {
                    plain_layer(TarFile{}.directory("./").directory("usr").file("usr/tool", "one").file("etc/a", "a")),
                    plain_layer(TarFile{}.directory("usr").file("usr/tool", "two").file("etc/.wh.a", ""))}};
    }

    Cancellation cancellation;
    std::set<std::string> stages;
    std::string said;
};

} // namespace

TEST_F(AnOciImage, BecomesAStackOfItsLayers) {
    import_layout(small(), "web");

    EXPECT_EQ(pool().get("web").type, ImageType::mstack);
    EXPECT_EQ(seen("web", "usr/tool"), "two");
    EXPECT_EQ(seen("web", "etc/a"), "nothing");
    EXPECT_THAT(read_file(place.path() / "machines/web.nspawn"),
                AllOf(HasSubstr("Parameters=\"/bin/web\""), HasSubstr("Environment=\"A=b\"")));
    EXPECT_THAT(stages, AllOf(Contains("unpacking layer 1/2"), Contains("unpacking layer 2/2")));
    EXPECT_EQ(said, "");
}

TEST_F(AnOciImage, SharesLayersWithOthers) {
    OciImage other = small();
    other.layers[1] = plain_layer(TarFile{}.file("usr/other", "three"));
    import_layout(small(), "web");
    import_layout(other, "db");

    EXPECT_EQ(bases(), 3U);
    EXPECT_EQ(seen("db", "usr/tool"), "one");
    for (const auto& left : remove_image(pool(), "web"))
        remove_set_aside(left);
    for (const auto& left : collect_bases(place.path() / "bases", places().locks))
        remove_set_aside(left);
    EXPECT_EQ(bases(), 2U);
    EXPECT_EQ(seen("db", "usr/tool"), "one");
    for (const auto& left : remove_image(pool(), "db"))
        remove_set_aside(left);
    for (const auto& left : collect_bases(place.path() / "bases", places().locks))
        remove_set_aside(left);
    EXPECT_EQ(bases(), 0U);
}

TEST_F(AnOciImage, IsClonedByLayers) {
    import_layout(small(), "web");

    EXPECT_EQ(clone_image(pool(), "web", "copy"), LayerKind::disk);
    EXPECT_EQ(seen("copy", "usr/tool"), "two");
    EXPECT_EQ(bases(), 2U);
}

TEST_F(AnOciImage, MayBePackedAndHaveALayerTwice) {
    OciImage image = small();
    const std::string plain = image.layers[0].bytes;
    image.layers[0].bytes = testing::packed(Compression::gzip, plain);
    image.layers[1].bytes = testing::packed(Compression::zstd, image.layers[1].bytes);
    image.layers.push_back(image.layers[0]);
    import_layout(image, "web");

    EXPECT_EQ(seen("web", "usr/tool"), "one");
    EXPECT_EQ(bases(), 2U);
}

TEST_F(AnOciImage, GetsAUsrThatItLacks) {
    import_layout({.layers = {plain_layer(TarFile{}.directory("./", 0711).file("web", "x"))}}, "web");

    const UniqueFd tree = open_image_tree(pool().get("web").path);
    EXPECT_TRUE(S_ISDIR(status_of(open_beneath(tree, "usr", O_PATH, Links::refuse)).st_mode));
    EXPECT_EQ(status_of(tree).st_mode & 07777, 0711U);
}

TEST_F(AnOciImage, HidesWhatAnOpaqueDirectoryCovers) {
    import_layout(
        {.layers = {plain_layer(TarFile{}.directory("usr").directory("srv").file("srv/below", "1")),
                    plain_layer(TarFile{}.directory("srv").file("srv/.wh..wh..opq", "").file("srv/above", "2"))}},
        "web");

    EXPECT_EQ(seen("web", "srv/below"), "nothing");
    EXPECT_EQ(seen("web", "srv/above"), "2");
}

TEST_F(AnOciImage, ComesOutOfAnArchive) {
    const OciImage image = small();
    image.write_layout(place, "layout");
    const auto archive = place.path() / "web.oci";
    ASSERT_EQ(std::system(("tar -C " + (place.path() / "layout").string() + " -cf " + archive.string() + " .").c_str()),
              0);
    const UniqueFd file = open_path(archive, O_RDONLY);
    ASSERT_TRUE(is_image_archive(file));
    ProgressMeter counting = meter();
    {
        const UnpackedArchive unpacked{pool(), file, counting};
        import_layers(pool(), image_in_layout(unpacked.directory(), ""), "web", {.sync = false}, counting);
    }

    EXPECT_EQ(seen("web", "usr/tool"), "two");
    EXPECT_THAT(entries("machines"), ElementsAre("web.mstack", "web.nspawn"));
}

TEST_F(AnOciImage, IsWhatAnExportMakes) {
    import_layout(small(), "web");
    ProgressMeter counting = meter();
    for (const Compression compression : {Compression::none, Compression::gzip, Compression::zstd}) {
        const UniqueFd archive = open_path(place.path(), O_TMPFILE | O_RDWR, 0600);
        export_oci_archive(pool(), "web", archive, compression, counting);
        ::lseek(archive.get(), 0, SEEK_SET);
        ASSERT_TRUE(is_image_archive(archive));
        const UnpackedArchive unpacked{pool(), archive, counting};
        import_layers(pool(), image_in_layout(unpacked.directory(), "web"), "again", {.force = true, .sync = false},
                      counting);

        EXPECT_EQ(seen("again", "usr/tool"), "two");
        EXPECT_EQ(seen("again", "etc/a"), "nothing");
        EXPECT_EQ(read_file(place.path() / "machines/again.nspawn"), read_file(place.path() / "machines/web.nspawn"));
    }
    const UniqueFd archive = open_path(place.path(), O_TMPFILE | O_RDWR, 0600);
    EXPECT_THAT(refusal([&] { export_oci_archive(pool(), "web", archive, Compression::xz, counting); }),
                HasSubstr("xz"));
}

TEST_F(AnOciImage, ComesOutOfWhatDockerSaves) {
    const OciImage image = small();
    place.write("saved/config.json", image.config());
    place.write("saved/one/layer.tar", image.layers[0].bytes);
    place.write("saved/two/real.tar", image.layers[1].bytes);
    place.link("../two/real.tar", "saved/one/link.tar");
    place.write("saved/manifest.json", R"([{"Config": "config.json", "RepoTags": ["web:1", "web:2"],
        "Layers": ["one/layer.tar", "one/link.tar"]}])");
    import_from("saved", "web", "web:2");

    EXPECT_EQ(seen("web", "usr/tool"), "two");
    EXPECT_THAT(refusal([&] { import_from("saved", "other", "web:3"); }), HasSubstr("web:1, web:2"));
}

TEST_F(AnOciImage, IsToldFromOtherArchives) {
    EXPECT_TRUE(is_image_archive(file_with(TarFile{}.directory("blobs/").file("oci-layout", "").end().bytes())));
    EXPECT_TRUE(is_image_archive(file_with(TarFile{}.file("manifest.json", "[]").end().bytes())));
    EXPECT_TRUE(is_image_archive(file_with(TarFile{}.directory(std::string(64, 'a') + "/").end().bytes())));
    EXPECT_FALSE(is_image_archive(file_with(TarFile{}.directory("./").directory("usr").end().bytes())));
    EXPECT_FALSE(is_image_archive(file_with(TarFile{}.directory("bin/").end().bytes())));
    EXPECT_FALSE(is_image_archive(file_with("no archive")));
}

TEST_F(AnOciImage, IsRefusedIfABlobIsNotItsDigest) {
    for (int which = 0; which < 3; ++which) {
        OciImage image = small();
        if (which == 0)
            image.layers[1].digest = std::string(64, 'a');
        else if (which == 1)
            image.layers[1].contents = std::string(64, 'b');
        else
            image.layers[1].too_much = 1;
        EXPECT_THAT(refusal_of(image), StartsWith("hostile: ")) << which;
        expect_nothing_left();
    }
}

TEST_F(AnOciImage, IsRefusedIfALayerIsDamaged) {
    const auto damaged = [](std::string bytes) {
        return testing::OciLayer{.bytes = bytes, .contents = testing::digits_of(bytes)};
    };
    const std::string whole = small().layers[0].bytes;
    for (const std::string& bytes :
         {std::string{}, std::string{"x"}, whole.substr(0, 700), whole + "behind it",
          TarFile{}.file("../../out", "x").end().bytes(),
          TarFile{}.symlink("usr", "/tmp").file("usr/x", "x").hard_link("y", "/etc/shadow").end().bytes()}) {
        OciImage image = small();
        image.layers[1] = damaged(bytes);
        EXPECT_NE(refusal_of(image), "none") << bytes.size();
        expect_nothing_left();
    }
}

TEST_F(AnOciImage, IsRefusedIfItsLayoutLeadsOut) {
    small().write_layout(place, "layout");
    const auto blobs = place.path() / "layout/blobs/sha256";
    const auto blob = blobs / testing::digits_of(small().layers[0].bytes);
    std::filesystem::rename(blob, place.path() / "outside");
    std::filesystem::create_symlink(place.path() / "outside", blob);
    EXPECT_THAT(refusal([&] { import_from("layout", "bad"); }), StartsWith("hostile: "));
    std::filesystem::remove(blob);
    ASSERT_EQ(::mkfifo(blob.c_str(), 0600), 0);
    EXPECT_THAT(refusal([&] { import_from("layout", "bad"); }), StartsWith("hostile: "));
    expect_nothing_left();
}

TEST_F(AnOciImage, IsRefusedIfItsListsLeadNowhereElse) {
    const std::string inner = R"({"schemaVersion": 2, "manifests": []})";
    std::string index = inner;
    // Each names the next; none is a manifest.
    for (int depth = 0; depth < 7; ++depth) {
        place.write("layout/blobs/sha256/" + testing::digits_of(index), index);
        index = R"({"schemaVersion": 2, "manifests": [)" +
                OciImage::descriptor("index.v1+json", testing::digits_of(index), index.size()) + "]}";
    }
    place.write("layout/oci-layout", "{}");
    place.write("layout/index.json", index);

    EXPECT_THAT(refusal([&] { import_from("layout", "bad"); }), HasSubstr("lead to each other"));
}

TEST_F(AnOciImage, IsRefusedIfItIsForAnotherMachine) {
    OciImage image = small();
    image.architecture = "vax";

    EXPECT_THAT(refusal_of(image), HasSubstr("linux/vax"));
}

TEST_F(AnOciImage, TakesNoNameThatIsTaken) {
    import_layout(small(), "web");

    EXPECT_THAT(refusal([&] { import_from("layout-web", "web"); }), HasSubstr("exists already"));
    EXPECT_THAT(refusal([&] { import_from("layout-web", "../x"); }), HasSubstr("../x"));
    EXPECT_EQ(seen("web", "usr/tool"), "two");
}

TEST_F(AnOciImage, LeavesNothingWhenItIsCanceled) {
    cancellation.cancel();

    EXPECT_THAT(refusal_of(small()), HasSubstr("cancel"));
    expect_nothing_left();
}

TEST_F(AnOciImage, IsWhollyThereOrNotIfTheProcessIsKilled) {
    small().write_layout(place, "layout");
    // At each report of progress, so at each stage.
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int report = 0; report < 40; ++report) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::setpgid(0, 0);
            int count = 0;
            const Cancellation none;
            ProgressMeter counting{none,
                                   [&](const TransferProgress&) {
                                       if (count++ == report)
                                           ::kill(::getpid(), SIGKILL);
                                   },
                                   [](int, const std::string&) {}};
            const UniqueFd opened = open_path(place.path() / "layout", O_RDONLY | O_DIRECTORY);
            import_layers(pool(), image_in_layout(opened, ""), "web", {.sync = false}, counting);
            ::_exit(0);
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        machinist::testing::wait_for_orphans(child);
        collect_leftovers();
        if (WIFEXITED(status)) {
            EXPECT_EQ(seen("web", "usr/tool"), "two");
            return;
        }
        expect_nothing_left();
    }
    FAIL() << "it never came to its end";
}

} // namespace machinist
