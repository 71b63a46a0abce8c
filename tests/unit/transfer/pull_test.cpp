// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/pull.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/process.hpp"
#include "packed.hpp"
#include "tar_file.hpp"
#include "transfer/sha256.hpp"
#include "unit/image/pool_fixture.hpp"
#include "watching.hpp"
#include "web_server.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

namespace machinist {
namespace {

using machinist::testing::packed;
using machinist::testing::TarFile;
using machinist::testing::TemporaryDirectory;
using machinist::testing::Watching;
using machinist::testing::WebServer;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string sum_of(const std::string& bytes) {
    Sha256 digest;
    digest.add({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    return digest.finish();
}

class APull : public machinist::testing::APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root can give files away";
        std::string noise;
        for (std::uint32_t number = 1; noise.size() < 3'000'000;)
            noise.push_back(static_cast<char>((number = number * 1664525 + 1013904223) >> 24));
        TarFile tar;
        tar.directory("./").directory("./usr").file("./etc/motd", "hello").file("./usr/noise", noise);
        archive = packed(Compression::gzip, tar.end().bytes());
        server.files.write("web.tar.gz", archive);
    }

    void pull(const std::string& url, PullOptions options, const std::string& name = "web",
              PullKind kind = PullKind::tar) {
        options.image.sync = false;
        options.patience = patience;
        const Pool images = pool();
        pull_image(images, kind, url, name, options, watching.meter);
    }
    std::string refusal(const std::string& url, const PullOptions& options, const std::string& name = "web",
                        PullKind kind = PullKind::tar) {
        try {
            pull(url, options, name, kind);
        } catch (const Failure& failure) {
            return failure.what();
        }
        return "";
    }
    [[nodiscard]] std::string text(const std::string& path) const {
        std::ifstream file{place.path() / "machines" / path, std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    [[nodiscard]] std::size_t requests(const std::string& file) const {
        const std::string log = server.log();
        const auto lines = split(log, '\n');
        return static_cast<std::size_t>(std::ranges::count_if(
            lines, [&](std::string_view line) { return line.substr(0, line.find(' ')).ends_with("/" + file); }));
    }

    WebServer server;
    std::string archive;
    std::chrono::seconds patience{30};
    Watching watching;
};

TEST_F(APull, MakesAnImage) {
    pull(server.url("plain", "web.tar.gz"), {.verify = Verify::no});

    EXPECT_EQ(text("web/etc/motd"), "hello");
    EXPECT_THAT(entries("machines"), ElementsAre("web"));
    EXPECT_THAT(watching.stages, ElementsAre("downloading", "unpacking", "finishing"));
}

TEST_F(APull, OfADiskMakesADisk) {
    server.files.write("disk.raw.xz", packed(Compression::xz, std::string(1 << 20, 'x')));

    pull(server.url("plain", "disk.raw.xz"), {.verify = Verify::no}, "disk", PullKind::raw);

    EXPECT_EQ(pool().get("disk").type, ImageType::raw);
}

TEST_F(APull, GoesOnWhereItWasInterrupted) {
    pull(server.url("cut", "web.tar.gz"), {.verify = Verify::no});

    EXPECT_EQ(text("web/etc/motd"), "hello");
    EXPECT_THAT(server.log(), HasSubstr("/cut/web.tar.gz bytes="));
}

TEST_F(APull, BeginsAnewWhenTheFileHasChangedMeanwhile) {
    pull(server.url("changes", "web.tar.gz"), {.verify = Verify::no});

    EXPECT_EQ(text("web/etc/motd"), "hello");
}

TEST_F(APull, ThatNeverGetsToTheEndLeavesNothing) {
    EXPECT_NE(refusal(server.url("nameless", "web.tar.gz"), {.verify = Verify::no}), "");

    EXPECT_THAT(entries("machines"), IsEmpty());
}

TEST_F(APull, MayBeSlowButNotStandStill) {
    pull(server.url("slow", "web.tar.gz"), {.verify = Verify::no});
    EXPECT_EQ(text("web/etc/motd"), "hello");

    patience = std::chrono::seconds{1};
    EXPECT_THAT(refusal(server.url("stall", "web.tar.gz"), {.verify = Verify::no}, "other"),
                HasSubstr("nothing came for 1 seconds"));
    EXPECT_THAT(entries("machines"), ElementsAre("web"));
}

TEST_F(APull, FollowsRedirectsToAnEnd) {
    pull(server.url("redirect/3", "web.tar.gz"), {.verify = Verify::no});
    EXPECT_EQ(text("web/etc/motd"), "hello");

    EXPECT_NE(refusal(server.url("redirect/30", "web.tar.gz"), {.verify = Verify::no}, "other"), "");
    EXPECT_NE(refusal(server.url("elsewhere", "web.tar.gz"), {.verify = Verify::no, .may_be_file = true}, "other"), "");
    EXPECT_THAT(entries("machines"), ElementsAre("web"));
}

TEST_F(APull, OfWhatIsNotThereSaysSo) {
    EXPECT_THAT(refusal(server.url("plain", "missing.tar"), {.verify = Verify::no}), HasSubstr("404"));
}

TEST_F(APull, TakesNoOtherUrls) {
    for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/x.tar", "/etc/passwd", "", "http://a b/x.tar",
                            "http://user:secret@127.0.0.1/x.tar", "http://127.0.0.1/\nx.tar", "gopher://127.0.0.1/x"})
        EXPECT_NE(refusal(url, {.verify = Verify::no}), "") << url;
}

TEST_F(APull, ChecksTheSumOfOneFile) {
    server.files.write("web.tar.gz.sha256", sum_of(archive) + "\n");

    pull(server.url("plain", "web.tar.gz"), {.verify = Verify::checksum});

    EXPECT_EQ(text("web/etc/motd"), "hello");
}

TEST_F(APull, ChecksTheSumInAList) {
    server.files.write("SHA256SUMS", sum_of("other") + " *other.tar\n" + sum_of(archive) + " *web.tar.gz\n");

    pull(server.url("plain", "web.tar.gz"), {.verify = Verify::checksum});

    EXPECT_EQ(text("web/etc/motd"), "hello");
}

TEST_F(APull, WithAnotherSumIsRefused) {
    const PullOptions options{.verify = Verify::checksum};
    EXPECT_THAT(refusal(server.url("plain", "web.tar.gz"), options), HasSubstr("has neither"));
    server.files.write("SHA256SUMS", sum_of("other") + " *web.tar.gz\n");
    EXPECT_THAT(refusal(server.url("plain", "web.tar.gz"), options), HasSubstr("not what was published"));
    server.files.write("SHA256SUMS", sum_of(archive) + " *other.tar.gz\n");
    EXPECT_THAT(refusal(server.url("plain", "web.tar.gz"), options), HasSubstr("none is published"));
    server.files.write("SHA256SUMS", sum_of(archive) + " *web.tar.gz\n" + sum_of("other") + " *web.tar.gz\n");
    EXPECT_THAT(refusal(server.url("plain", "web.tar.gz"), options), HasSubstr("or several"));

    EXPECT_THAT(entries("machines"), IsEmpty());
}

class ASignedPull : public APull {
protected:
    void SetUp() override {
        APull::SetUp();
        if (IsSkipped())
            return;
        if (run_program({"sh", "-c", "command -v gpg && command -v gpgv"}).status != 0)
            GTEST_SKIP() << "gpg is not installed";
        server.files.write("SHA256SUMS", sum_of(archive) + " *web.tar.gz\n");
        make_key("good");
        make_key("other");
    }
    void make_key(const std::string& name) {
        home.make_directory(name);
        std::filesystem::permissions(home.path() / name, std::filesystem::perms::owner_all);
        gpg(name, {"--quick-generate-key", name + "@example.org", "ed25519", "sign", "never"});
        gpg(name, {"--output", (home.path() / (name + ".gpg")).string(), "--export"});
        // Whoever checks is nobody.
        std::filesystem::permissions(home.path(), std::filesystem::perms{0755});
    }
    void sign(const std::string& name, const std::vector<std::string>& how) {
        std::vector<std::string> words = how;
        words.insert(words.end(), {"--detach-sign", (server.files.path() / "SHA256SUMS").string()});
        gpg(name, words);
    }
    void gpg(const std::string& name, const std::vector<std::string>& words) {
        std::vector<std::string> command{"gpg",          "--homedir", (home.path() / name).string(),
                                         "--batch",      "--quiet",   "--yes",
                                         "--passphrase", "",          "--pinentry-mode",
                                         "loopback"};
        command.insert(command.end(), words.begin(), words.end());
        ASSERT_EQ(run_program(command).status, 0);
    }
    ~ASignedPull() override {
        for (const char* name : {"good", "other"})
            if (std::filesystem::exists(home.path() / name))
                (void)run_program({"gpgconf", "--homedir", (home.path() / name).string(), "--kill", "all"});
    }
    [[nodiscard]] PullOptions with_keyring() const {
        return {.verify = Verify::signature, .keyrings = {home.path() / "good.gpg"}};
    }

    TemporaryDirectory home;
};

TEST_F(ASignedPull, IsTakenWithAGoodSignature) {
    sign("good", {"--armor", "--output", (server.files.path() / "SHA256SUMS.asc").string()});
    pull(server.url("plain", "web.tar.gz"), with_keyring());
    EXPECT_EQ(text("web/etc/motd"), "hello");

    std::filesystem::remove(server.files.path() / "SHA256SUMS.asc");
    sign("good", {"--output", (server.files.path() / "SHA256SUMS.gpg").string()});
    pull(server.url("plain", "web.tar.gz"), with_keyring(), "again");
    EXPECT_EQ(text("again/etc/motd"), "hello");
}

TEST_F(ASignedPull, IsRefusedWithoutOne) {
    EXPECT_THAT(refusal(server.url("plain", "web.tar.gz"), with_keyring()), HasSubstr("the server has none"));
    sign("other", {"--output", (server.files.path() / "SHA256SUMS.gpg").string()});
    EXPECT_THAT(refusal(server.url("plain", "web.tar.gz"), with_keyring()), HasSubstr("not by a key"));
    server.files.write("SHA256SUMS.gpg", "no signature");
    EXPECT_THAT(refusal(server.url("plain", "web.tar.gz"), with_keyring()), HasSubstr("not by a key"));
    sign("good", {"--output", (server.files.path() / "SHA256SUMS.gpg").string()});
    server.files.write("SHA256SUMS", sum_of("changed") + " *web.tar.gz\n");
    EXPECT_THAT(refusal(server.url("plain", "web.tar.gz"), with_keyring()), HasSubstr("not by a key"));
    EXPECT_THAT(refusal(server.url("plain", "web.tar.gz"), {.verify = Verify::signature, .keyrings = {"/nonexistent"}}),
                HasSubstr("no keyring"));

    EXPECT_THAT(entries("machines"), IsEmpty());
}

TEST_F(APull, MayKeepTheDownloadAndAskOnlyForChanges) {
    const PullOptions options{.verify = Verify::no, .keep_download = true};
    const std::string url = server.url("plain", "web.tar.gz");

    pull(url, options);
    pull(url, options, "again");
    pull(url, options, "");

    EXPECT_EQ(text("again/etc/motd"), "hello");
    EXPECT_EQ(entries("machines").size(), 3U);
    EXPECT_THAT(watching.said, Contains(HasSubstr("has not changed")));
}

TEST_F(APull, BringsTheSettingsThatLieBeside) {
    server.files.write("web.nspawn", "[Exec]\nBoot=no\n");
    const std::string url = server.url("plain", "web.tar.gz");

    pull(url, {.verify = Verify::no});
    EXPECT_EQ(text("web.nspawn"), "[Exec]\nBoot=no\n");

    server.files.write("SHA256SUMS", sum_of(archive) + " *web.tar.gz\n");
    pull(url, {.verify = Verify::checksum}, "unlisted");
    EXPECT_THAT(entries("machines"), ::testing::Not(Contains("unlisted.nspawn")));
    EXPECT_THAT(watching.said, Contains(HasSubstr("left out")));
}

TEST_F(APull, ThatIsCanceledLeavesNothing) {
    watching.cancellation.cancel();

    EXPECT_THAT(refusal(server.url("slow", "web.tar.gz"), {.verify = Verify::no}), HasSubstr("canceled"));

    EXPECT_THAT(entries("machines"), IsEmpty());
}

TEST_F(APull, OfAnImageThatIsThereFetchesNothing) {
    pull(server.url("plain", "web.tar.gz"), {.verify = Verify::no});
    const std::size_t before = requests("web.tar.gz");

    EXPECT_THAT(refusal(server.url("plain", "web.tar.gz"), {.verify = Verify::no}), HasSubstr("exists already"));

    EXPECT_EQ(requests("web.tar.gz"), before);
}

TEST(AFetch, IsEndedAtItsLimit) {
    const WebServer server;
    server.files.write("file", "x");
    const TemporaryDirectory place;
    const UniqueFd file = open_path(place.path() / "out", O_RDWR | O_CREAT, 0600);
    Watching watching;

    EXPECT_THROW(fetch({.url = server.url("endless", "file"), .most = 10 << 20}, file, watching.meter), Failure);

    EXPECT_LE(std::filesystem::file_size(place.path() / "out"), 10U << 20);
}

TEST(Checksums, AreReadFromListsAsTheirMakersWriteThem) {
    const std::string one(64, 'a');
    const std::string two(64, 'B');

    const auto sums = parse_checksums(one + "  a.tar\n" + two + " *b.tar\r\n# text\n" + one + " c.tar\n", "x");

    EXPECT_THAT(
        sums, ElementsAre(std::pair{std::string{"a.tar"}, one}, std::pair{std::string{"b.tar"}, std::string(64, 'b')}));
    EXPECT_THAT(parse_checksums(one + "\n", "x"), ElementsAre(std::pair{std::string{"x"}, one}));
}

} // namespace
} // namespace machinist
