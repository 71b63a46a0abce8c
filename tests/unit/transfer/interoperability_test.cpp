// SPDX-License-Identifier: LGPL-2.1-or-later
// What other programs of this field make of our images, and we of theirs.
#include "base/failure.hpp"
#include "byte_file.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "tar_file.hpp"
#include "transfer/image_archive.hpp"
#include "transfer/image_layout.hpp"
#include "transfer/imports.hpp"
#include "transfer/layered_import.hpp"
#include "unit/image/pool_fixture.hpp"
#include "watching.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fcntl.h>

namespace machinist {
namespace {

using machinist::testing::file_with;
using machinist::testing::TarFile;
using machinist::testing::Watching;
using ::testing::HasSubstr;

class Skopeo : public machinist::testing::APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root can give files away";
        if (run_program({"sh", "-c", "command -v skopeo"}).status != 0)
            GTEST_SKIP() << "skopeo is not installed";
        TarFile tar;
        tar.directory("./").directory("./usr").file("./etc/motd", "hello");
        const Pool images = pool();
        import_image(images, ImportKind::tar, file_with(tar.end().bytes()), "web", {.sync = false}, watching.meter);
    }
    [[nodiscard]] std::string path(const std::string& name) const {
        return (place.path() / name).string();
    }
    void export_as(Compression compression) {
        const UniqueFd file = open_path(path("web.oci"), O_RDWR | O_CREAT | O_TRUNC, 0600);
        export_oci_archive(pool(), "web", file, compression, watching.meter);
    }
    void copy(const std::string& from, const std::string& to) const {
        const auto result = run_program({"skopeo", "--insecure-policy", "copy", "--quiet", from, to});
        ASSERT_EQ(result.status, 0) << from << " " << to << ": " << result.output;
    }
    std::string motd_of(const std::string& name, BorrowedFd layout) {
        import_layers(pool(), image_in_layout(layout, ""), name, {.sync = false}, watching.meter);
        for (const auto& base : std::filesystem::recursive_directory_iterator{place.path()})
            if (base.path().native().ends_with("etc/motd") && base.path().native().find("bases") != std::string::npos)
                return read_file(base.path());
        return "";
    }

    Watching watching;
};

TEST_F(Skopeo, ReadsWhatIsExported) {
    for (const Compression compression : {Compression::none, Compression::gzip, Compression::zstd}) {
        export_as(compression);

        const auto seen = run_program({"skopeo", "inspect", "oci-archive:" + path("web.oci")});

        EXPECT_EQ(seen.status, 0) << seen.output;
        EXPECT_THAT(seen.output, HasSubstr("\"Os\": \"linux\""));
        // Copying unpacks each layer and holds it against its digest.
        copy("oci-archive:" + path("web.oci"), "oci:" + path("check"));
        std::filesystem::remove_all(path("check"));
    }
}

TEST_F(Skopeo, WritesArchivesOfDockerThatAreImported) {
    export_as(Compression::gzip);
    copy("oci-archive:" + path("web.oci"), "docker-archive:" + path("web.docker"));
    const UniqueFd file = open_path(path("web.docker"), O_RDONLY);
    ASSERT_TRUE(is_image_archive(file));
    const UnpackedArchive unpacked{pool(), file, watching.meter};

    EXPECT_EQ(motd_of("again", unpacked.directory()), "hello");
}

TEST_F(Skopeo, WritesLayoutsThatAreImported) {
    export_as(Compression::none);
    copy("oci-archive:" + path("web.oci"), "oci:" + path("layout"));
    const UniqueFd layout = open_path(path("layout"), O_RDONLY | O_DIRECTORY);

    EXPECT_EQ(motd_of("again", layout), "hello");
}

} // namespace
} // namespace machinist
