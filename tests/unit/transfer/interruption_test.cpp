// SPDX-License-Identifier: LGPL-2.1-or-later
// Transfers that are killed, and disks that are full.
#include "base/failure.hpp"
#include "byte_file.hpp"
#include "cut_off.hpp"
#include "image/auxiliary_files.hpp"
#include "image/set_aside.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "packed.hpp"
#include "private_mounts.hpp"
#include "tar_file.hpp"
#include "transfer/exports.hpp"
#include "transfer/imports.hpp"
#include "transfer/new_image.hpp"
#include "transfer/pull.hpp"
#include "unit/image/pool_fixture.hpp"
#include "watching.hpp"
#include "web_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <functional>
#include <set>
#include <sys/mount.h>
#include <sys/xattr.h>

namespace machinist {
namespace {

using machinist::testing::file_with;
using machinist::testing::packed;
using machinist::testing::TarFile;
using machinist::testing::Watching;
using machinist::testing::WebServer;
using ::testing::IsEmpty;

std::string noise_of(std::size_t size) {
    std::string noise;
    for (std::uint32_t number = 1; noise.size() < size;)
        noise.push_back(static_cast<char>((number = number * 1664525 + 1013904223) >> 24));
    return noise;
}

class AnInterruption : public machinist::testing::APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root can give files away";
        std::filesystem::create_directories(machines);
    }
    // As `gc` does it.
    void collect() const {
        for (const auto& left : set_aside_in(machines))
            remove_set_aside(left);
        for (const auto& left : brought_for_nothing(machines))
            remove_set_aside(left);
    }
    void pull_disk(const WebServer& server, const std::string& manner = "plain") {
        PullOptions options{.verify = Verify::no};
        options.image.sync = false;
        const Pool images = pool();
        pull_image(images, PullKind::raw, server.url(manner, "disk.raw.xz"), "web", options, watching.meter);
    }
    [[nodiscard]] std::string text(const std::string& path) const {
        std::ifstream file{place.path() / path, std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

    const std::filesystem::path machines = place.path() / "machines";
    Watching watching;
};

TEST_F(AnInterruption, OfAPullLeavesItWholeOrNotAtAll) {
    const WebServer server;
    const std::string disk = noise_of(20'000);
    server.files.write("disk.raw.xz", packed(Compression::xz, disk));
    server.files.write("disk.roothash", std::string(64, 'a'));
    server.files.write("disk.nspawn", "[Exec]\nBoot=no\n");

    bool complete = false;
    int cuts = 0;
    // Not at every call: each try asks the server anew.
    for (int calls = 1; !complete; calls += 3, ++cuts) {
        complete = machinist::testing::ends_before_call(calls, [&] { pull_disk(server); });
        collect();
        const auto left = entries("machines");
        if (left.contains("web.raw")) {
            EXPECT_EQ(left, (std::set<std::string>{"web.nspawn", "web.raw", "web.roothash"})) << calls;
            EXPECT_TRUE(text("machines/web.raw") == disk) << calls;
        } else {
            EXPECT_TRUE(left.empty() && !complete) << calls;
        }
        for (const std::string& name : left)
            std::filesystem::remove_all(machines / name);
    }

    EXPECT_GT(cuts, 20);
}

// A hash of one image beside the other would refuse it, or vouch for what nobody looked at.
TEST_F(AnInterruption, OfAReplacementLeavesTheOldImageOrTheNewOneEachWithItsOwnFiles) {
    const auto write = [&](const std::string& name, const std::string& content) {
        std::ofstream{machines / name, std::ios::binary} << content;
    };
    write("probe", "");
    const UniqueFd probe = open_path(machines / "probe", O_RDONLY);
    if (::fsetxattr(probe.get(), "user.machinist.probe", "", 0, 0) < 0)
        GTEST_SKIP() << "the filesystem has no attributes of users";
    const std::set<std::string> old_files{"web.nspawn", "web.raw", "web.roothash", "web.usrhash"};
    const std::set<std::string> new_files{"web.nspawn", "web.raw", "web.roothash", "web.verity"};
    int replaced = 0;
    const auto content_of_all = [&](const std::set<std::string>& names) {
        std::set<std::string> contents;
        for (const std::string& name : names)
            contents.insert(text("machines/" + name));
        return contents;
    };

    const auto check = [&](bool complete) {
        auto left = entries("machines");
        std::erase_if(left, [](const std::string& name) { return name.ends_with(".lck"); });
        const bool is_new = text("machines/web.raw") == "new";
        replaced += is_new ? 1 : 0;
        EXPECT_EQ(left, is_new ? new_files : old_files);
        EXPECT_EQ(content_of_all(left), std::set<std::string>{is_new ? "new" : "old"});
        EXPECT_TRUE(is_new || !complete);
    };
    const int cuts = machinist::testing::at_every_cut(
        [&] {
            for (const std::string& name : entries("machines"))
                std::filesystem::remove_all(machines / name);
            for (const std::string& name : old_files)
                write(name, "old");
        },
        [&] {
            const Pool images = pool();
            NewImage image{images, "web", ImageForm::file, {.force = true, .sync = false}};
            write_all(image.descriptor(), "new");
            for (const char* suffix : {".roothash", ".verity", ".nspawn"}) {
                UniqueFd file = image.unnamed_file();
                write_all(file, "new");
                image.bring(suffix, std::move(file));
            }
            image.finish();
        },
        [&](bool complete) {
            collect();
            check(complete);
        });

    EXPECT_GT(cuts, 50);
    EXPECT_GT(replaced, 10);
}

TEST_F(AnInterruption, OfAnExportLeavesTheOldFileOrTheNewOne) {
    const Pool images = pool();
    import_image(images, ImportKind::raw, file_with(noise_of(30'000)), "web", {.sync = false}, watching.meter);
    const auto directory = place.path() / "out";
    std::filesystem::create_directories(directory);
    const auto run = [&](const std::string& old) {
        machinist::testing::at_every_cut(
            [&] {
                for (const std::string& name : entries("out"))
                    std::filesystem::remove(directory / name);
                if (!old.empty())
                    std::ofstream{directory / "web.raw"} << old;
            },
            [&] {
                export_image_to(images, ExportKind::raw, "web", directory / "web.raw", Compression::none,
                                watching.meter);
            },
            [&](bool complete) {
                const bool is_new = text("out/web.raw") == noise_of(30'000);
                EXPECT_TRUE(is_new || (!complete && text("out/web.raw") == old));
                // Without an old one there is nothing to be renamed, so no other name is ever there.
                if (old.empty()) {
                    EXPECT_EQ(entries("out").size(), is_new ? 1U : 0U);
                }
            });
    };

    run("");
    run("old");
}

TEST_F(AnInterruption, ByAFullDiskLeavesNothingAtAnySize) {
    if (run_program({"sh", "-c", "command -v mkfs.ext4 && command -v losetup"}).status != 0)
        GTEST_SKIP() << "mkfs.ext4 or losetup is missing";
    const WebServer server;
    const std::string noise = noise_of(300'000);
    server.files.write("disk.raw.xz", packed(Compression::xz, noise));
    server.files.write("disk.verity", noise.substr(0, 100'000));
    TarFile archive;
    archive.directory("usr");
    for (int number = 0; number < 15; ++number)
        archive.file("usr/" + std::to_string(number), noise.substr(static_cast<std::size_t>(number) * 20'000, 20'000));
    const std::string bytes = packed(Compression::zstd, archive.end().bytes());
    const std::string disk = (place.path() / "small.disk").string();

    const auto try_size = [&](int kilobytes) -> std::string {
        std::ofstream{disk, std::ios::trunc}.close();
        std::filesystem::resize_file(disk, static_cast<std::uintmax_t>(kilobytes) << 10);
        if (run_program({"mkfs.ext4", "-q", "-O", "^has_journal", "-m", "0", "-N", "64", disk}).status != 0 ||
            run_program({"mount", "-o", "loop", disk, machines.string()}).status != 0)
            return "cannot mount; ";
        std::filesystem::remove(machines / "lost+found");
        std::string problems;
        bool fits = true;
        const auto expect = [&](const char* what, const std::function<void()>& work) {
            try {
                work();
            } catch (const Failure& failure) {
                fits = false;
                if (failure.error_number() != ENOSPC &&
                    std::string_view{failure.what()}.find("No space left") == std::string_view::npos)
                    problems += std::string{what} + ": " + failure.what() + "; ";
                for (const std::string& left : entries("machines"))
                    problems += std::string{what} + ": " + left + " is left; ";
            }
            for (const std::string& made : entries("machines"))
                std::filesystem::remove_all(machines / made);
        };
        const Pool images = pool();
        expect("import of a tree", [&] {
            import_image(images, ImportKind::tar, file_with(bytes), "tree", {.sync = false}, watching.meter);
        });
        expect("import of a disk", [&] {
            import_image(images, ImportKind::raw, file_with(packed(Compression::gzip, noise)), "disk", {.sync = false},
                         watching.meter);
        });
        expect("pull of a disk", [&] { pull_disk(server); });
        if (run_program({"umount", machines.string()}).status != 0)
            problems += "it is in use; ";
        return fits && problems.empty() ? "fits" : problems;
    };
    const std::string outcome = machinist::testing::in_private_mounts([&] {
        std::string found;
        for (int kilobytes = 128; kilobytes < 4096 && found.empty(); kilobytes += 96)
            found = try_size(kilobytes);
        return found;
    });

    EXPECT_EQ(outcome, "fits");
}

} // namespace
} // namespace machinist
