// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "cut_off.hpp"
#include "image/auxiliary_files.hpp"
#include "image/set_aside.hpp"
#include "transfer/pull.hpp"
#include "transfer/sha256.hpp"
#include "unit/image/pool_fixture.hpp"
#include "watching.hpp"
#include "web_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>

namespace machinist {
namespace {

using machinist::testing::Watching;
using machinist::testing::WebServer;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string line_of_sum(const std::string& bytes, const std::string& name) {
    Sha256 digest;
    digest.add({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    return digest.finish() + " *" + name + "\n";
}

class FilesBesideAPulledImage : public machinist::testing::APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root can give files away";
        server.files.write("disk.raw", disk);
        server.files.write("disk.nspawn", settings);
        server.files.write("disk.roothash", hash);
        server.files.write("disk.roothash.p7s", "signature");
        server.files.write("disk.verity", "data");
    }
    // The list of all, but for what is taken out of it.
    void publish(const std::set<std::string>& left_out = {}) {
        std::string list;
        for (const auto& [name, bytes] : std::map<std::string, std::string>{{"disk.raw", disk},
                                                                            {"disk.nspawn", settings},
                                                                            {"disk.roothash", hash},
                                                                            {"disk.roothash.p7s", "signature"},
                                                                            {"disk.verity", "data"}})
            if (!left_out.contains(name))
                list += line_of_sum(bytes, name);
        server.files.write("SHA256SUMS", list);
    }
    void pull(const std::string& name, PullOptions options) {
        options.image.sync = false;
        const Pool images = pool();
        pull_image(images, PullKind::raw, server.url("plain", "disk.raw"), name, options, watching.meter);
    }
    std::string refusal(const std::string& name, const PullOptions& options) {
        try {
            pull(name, options);
        } catch (const Failure& failure) {
            return failure.what();
        }
        return "";
    }
    [[nodiscard]] std::string text(const std::string& path) const {
        std::ifstream file{place.path() / "machines" / path, std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

    const std::string disk = std::string(8192, 'd');
    const std::string settings = "[Exec]\nBoot=no\n";
    const std::string hash = std::string(64, 'a') + "\n";
    const PullOptions unchecked{.verify = Verify::no};
    const PullOptions checked{.verify = Verify::checksum};
    WebServer server;
    Watching watching;
};

TEST_F(FilesBesideAPulledImage, ComeWithIt) {
    pull("web", unchecked);

    EXPECT_THAT(entries("machines"),
                ElementsAre("web.nspawn", "web.raw", "web.roothash", "web.roothash.p7s", "web.verity"));
    EXPECT_EQ(text("web.roothash"), hash);
    EXPECT_EQ(text("web.verity"), "data");
    EXPECT_EQ(text("web.nspawn"), settings);
}

TEST_F(FilesBesideAPulledImage, ComeWithTheCopyOfAKeptOneToo) {
    PullOptions options = unchecked;
    options.keep_download = true;

    pull("web", options);
    pull("again", options);

    EXPECT_EQ(text("web.roothash"), hash);
    EXPECT_EQ(text("again.verity"), "data");
    EXPECT_EQ(text("again.nspawn"), settings);
}

TEST_F(FilesBesideAPulledImage, AreHeldAgainstTheListOfTheImage) {
    publish();
    pull("web", checked);
    EXPECT_EQ(entries("machines").size(), 5U);

    server.files.write("disk.nspawn", "[Exec]\nCapability=all\n");
    pull("other", checked);
    EXPECT_THAT(entries("machines"), Not(Contains("other.nspawn")));
    EXPECT_THAT(watching.said, Contains(HasSubstr("left out")));
}

TEST_F(FilesBesideAPulledImage, ThatAreAboutVerityAreNeverOtherThanPublished) {
    publish();
    server.files.write("disk.roothash", std::string(64, 'b'));
    EXPECT_THAT(refusal("web", checked), HasSubstr("not what was published"));

    server.files.write("disk.roothash", hash);
    std::filesystem::remove(server.files.path() / "disk.verity");
    EXPECT_THAT(refusal("web", checked), HasSubstr("disk.verity"));

    EXPECT_THAT(entries("machines"), IsEmpty());
}

TEST_F(FilesBesideAPulledImage, MayHaveSumsOfTheirOwn) {
    publish({"disk.roothash", "disk.nspawn"});
    server.files.write("disk.roothash.sha256", line_of_sum(hash, "disk.roothash"));

    pull("web", checked);

    EXPECT_EQ(text("web.roothash"), hash);
    EXPECT_THAT(entries("machines"), Not(Contains("web.nspawn")));
    EXPECT_THAT(watching.said, Contains(HasSubstr("no published checksum")));
}

TEST_F(FilesBesideAPulledImage, OfAReplacedOneAreReplacedOrGone) {
    pull("web", unchecked);
    for (const char* name : {"disk.verity", "disk.roothash.p7s"})
        std::filesystem::remove(server.files.path() / name);
    server.files.write("disk.roothash", std::string(64, 'c'));
    PullOptions options = unchecked;
    options.image.force = true;

    pull("web", options);

    EXPECT_EQ(text("web.roothash"), std::string(64, 'c'));
    EXPECT_THAT(entries("machines"), ElementsAre("web.nspawn", "web.raw", "web.roothash"));
}

TEST_F(FilesBesideAPulledImage, LeaveTheSettingsThatSomebodyHasWritten) {
    const std::string wish = "[Exec]\nBoot=yes\n";
    std::filesystem::create_directories(place.path() / "machines");
    std::ofstream{place.path() / "machines/web.nspawn"} << wish;

    pull("web", unchecked);

    EXPECT_EQ(text("web.nspawn"), wish);
    EXPECT_THAT(set_aside_in(place.path() / "machines"), IsEmpty());
}

TEST_F(FilesBesideAPulledImage, AreNotFetchedForATree) {
    // Of a tree, only settings; an empty archive is refused after that.
    const Pool images = pool();
    PullOptions options = unchecked;
    options.image.sync = false;
    EXPECT_THROW(pull_image(images, PullKind::tar, server.url("plain", "disk.raw"), "web", options, watching.meter),
                 Failure);

    EXPECT_THAT(server.log(), HasSubstr("disk.nspawn"));
    EXPECT_THAT(server.log(), Not(HasSubstr("disk.roothash")));
    EXPECT_THAT(entries("machines"), IsEmpty());
}

TEST_F(FilesBesideAPulledImage, AreThereWithTheImageOrFoundAsLeftOverWhereverItIsCutOff) {
    const auto machines = place.path() / "machines";
    const auto bring = [&](const std::string& suffix, NewImage& image) {
        UniqueFd file = image.unnamed_file();
        write_all(file, "brought");
        image.bring(suffix, std::move(file));
    };
    const int cuts = machinist::testing::at_every_cut(
        [&] { std::filesystem::remove_all(machines); },
        [&] {
            const Pool images = pool();
            NewImage image{images, "web", ImageForm::file, {.sync = false}};
            bring(".roothash", image);
            bring(".verity", image);
            image.finish();
        },
        [&](bool complete) {
            if (!std::filesystem::exists(machines))
                return;
            for (const auto& left : set_aside_in(machines))
                remove_set_aside(left);
            for (const auto& left : brought_for_nothing(machines))
                remove_set_aside(left);
            if (std::filesystem::exists(machines / "web.raw"))
                EXPECT_THAT(entries("machines"), ElementsAre("web.raw", "web.roothash", "web.verity"));
            else
                EXPECT_TRUE(!complete && entries("machines").empty());
        });

    EXPECT_GT(cuts, 20);
}

} // namespace
} // namespace machinist
