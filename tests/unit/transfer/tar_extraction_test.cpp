// SPDX-License-Identifier: LGPL-2.1-or-later
#include "transfer/tar_extraction.hpp"

#include "base/failure.hpp"
#include "byte_file.hpp"
#include "packed.hpp"
#include "tar_file.hpp"
#include "temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

namespace machinist {
namespace {

using machinist::testing::file_with;
using machinist::testing::packed;
using machinist::testing::TarFile;
using machinist::testing::TarHeader;
using machinist::testing::TemporaryDirectory;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class AnArchive : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "only root can give files away";
    }

    Extracted extract(const std::string& bytes, const ExtractionOptions& options = {}) {
        const UniqueFd file = file_with(bytes);
        InputStream stream{file};
        return extract_tar(stream, tree.descriptor(), options);
    }
    Extracted extract(TarFile& archive, const ExtractionOptions& options = {}) {
        return extract(archive.end().bytes(), options);
    }
    std::string refusal(const std::string& bytes, const ExtractionOptions& options = {}) {
        try {
            extract(bytes, options);
        } catch (const Failure& failure) {
            return std::string{failure.kind() == FailureKind::hostile ? "hostile: " : ""} + failure.what();
        }
        return "";
    }
    std::string refusal(TarFile& archive, const ExtractionOptions& options = {}) {
        return refusal(archive.end().bytes(), options);
    }
    [[nodiscard]] std::string text(const std::string& name) const {
        std::ifstream file{tree.path() / name, std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    [[nodiscard]] struct stat status(const std::string& name) const {
        struct stat found {};
        EXPECT_EQ(::lstat((tree.path() / name).c_str(), &found), 0) << name;
        return found;
    }
    [[nodiscard]] std::string attribute(const std::string& name, const char* key) const {
        char value[256];
        const ssize_t size = ::lgetxattr((tree.path() / name).c_str(), key, value, sizeof value);
        return size < 0 ? "-" : std::string{value, static_cast<std::size_t>(size)};
    }

    TemporaryDirectory tree;
};

TEST_F(AnArchive, BecomesATree) {
    TarFile archive;
    archive.directory("./", 0700).directory("etc").file("etc/motd", "hello").symlink("etc/mtab", "/proc/mounts");
    archive.hard_link("etc/issue", "./etc/motd").add({.name = "run/pipe", .type = '6', .mode = 0620});

    const Extracted done = extract(archive);

    EXPECT_EQ(done.entries, 6U);
    EXPECT_EQ(done.bytes, 5U);
    EXPECT_EQ(text("etc/motd"), "hello");
    EXPECT_EQ(std::filesystem::read_symlink(tree.path() / "etc/mtab"), "/proc/mounts");
    EXPECT_EQ(status("etc/issue").st_ino, status("etc/motd").st_ino);
    EXPECT_EQ(status("run/pipe").st_mode, mode_t{S_IFIFO} | 0620U);
    EXPECT_EQ(status(".").st_mode, mode_t{S_IFDIR} | 0700U);
}

TEST_F(AnArchive, KeepsOwnersModesAndTimes) {
    TarFile archive;
    archive.add({.name = "d", .type = '5', .mode = 02775, .owner = 12, .group = 34, .time = 1'000'000});
    archive.add({.name = "d/su", .mode = 04755, .owner = 1000, .group = 3'000'000'000, .time = 2'000'000}, "x");
    archive.add({.name = "d/l", .type = '2', .link = "nowhere", .owner = 7, .group = 8, .time = 3'000'000});

    extract(archive);

    EXPECT_EQ(status("d").st_mode, mode_t{S_IFDIR} | 02775U);
    EXPECT_EQ(status("d").st_uid, 12U);
    EXPECT_EQ(status("d").st_mtime, 1'000'000);
    EXPECT_EQ(status("d/su").st_mode, mode_t{S_IFREG} | 04755U);
    EXPECT_EQ(status("d/su").st_gid, 3'000'000'000U);
    EXPECT_EQ(status("d/su").st_mtime, 2'000'000);
    EXPECT_EQ(status("d/l").st_uid, 7U);
    EXPECT_EQ(status("d/l").st_mtime, 3'000'000);
}

TEST_F(AnArchive, KeepsCapabilitiesAndAccessListsButNothingThatDrivesTheHost) {
    const std::string capability{"\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
                                 20};
    TarFile archive;
    archive.pax({{"SCHILY.xattr.security.capability", capability},
                 {"SCHILY.xattr.trusted.overlay.redirect", "/etc"},
                 {"SCHILY.xattr.user.overlay.opaque", "y"},
                 {"SCHILY.xattr.user.note", "kept"}});
    archive.add({.name = "ping", .mode = 0755, .owner = 5}, "x");
    archive.pax({{"SCHILY.acl.access", "user::rw-,user:1000:r--,group::r--,mask::r--,other::---"},
                 {"SCHILY.acl.default", "user::rwx,group::r-x,group:44:rwx,mask::rwx,other::---"}});
    archive.directory("journal", 0750);

    extract(archive);

    EXPECT_EQ(attribute("ping", "security.capability"), capability);
    EXPECT_EQ(attribute("ping", "trusted.overlay.redirect"), "-");
    EXPECT_EQ(attribute("ping", "user.overlay.opaque"), "-");
    EXPECT_EQ(attribute("journal", "system.posix_acl_access").size(), 4U + 5 * 8);
    EXPECT_EQ(attribute("journal", "system.posix_acl_default").size(), 4U + 5 * 8);
}

TEST_F(AnArchive, LeavesOutWhomAccessListsOnlyName) {
    TarFile archive;
    archive.pax({{"SCHILY.acl.access", "user::rw-,group::r--,group:adm:r-x,group:44:r--,mask::r-x,other::---"}});
    archive.file("log", "x");
    std::vector<std::string> warnings;

    extract(archive, {.warn = [&](std::string_view sentence) { warnings.emplace_back(sentence); }});

    EXPECT_EQ(attribute("log", "system.posix_acl_access").size(), 4U + 5 * 8);
    EXPECT_THAT(warnings, ElementsAre(HasSubstr("'adm'")));
}

TEST_F(AnArchive, KeepsHolesAndLongNames) {
    const std::string long_name = std::string(120, 'a') + "/" + std::string(200, 'b');
    TarFile archive;
    archive.gnu_long_name(long_name).file("cut", "1");
    archive.pax({{"path", std::string(130, 'c') + "/\xc3\xa4"}}).file("cut", "2");
    archive.pax({{"GNU.sparse.major", "1"},
                 {"GNU.sparse.minor", "0"},
                 {"GNU.sparse.name", "disk"},
                 {"GNU.sparse.realsize", "104857600"}});
    std::string map = "1\n52428800\n512\n";
    map.resize(512, '\0');
    archive.file("sparse", map + std::string(512, 'x'));

    extract(archive);

    EXPECT_EQ(text(long_name), "1");
    EXPECT_EQ(text(std::string(130, 'c') + "/\xc3\xa4"), "2");
    EXPECT_EQ(status("disk").st_size, 104857600);
    EXPECT_LT(status("disk").st_blocks * 512, 1'000'000);
    std::ifstream disk{tree.path() / "disk"};
    disk.seekg(52428800);
    EXPECT_EQ(disk.get(), 'x');
}

TEST_F(AnArchive, MayRepeatNamesAndTheLastOneStays) {
    TarFile archive;
    archive.file("a", "first").file("a", "second").symlink("b", "a").file("b", "plain").directory("c").file("c", "was");

    extract(archive);

    EXPECT_EQ(text("a"), "second");
    EXPECT_EQ(text("b"), "plain");
    EXPECT_EQ(text("c"), "was");
}

TEST_F(AnArchive, KeepsFilesOfOtherSystemsAsFiles) {
    TarFile archive;
    archive.file("._motd", "resource").file("motd", "text");

    extract(archive);

    EXPECT_EQ(text("._motd"), "resource");
    EXPECT_EQ(text("motd"), "text");
}

TEST_F(AnArchive, NeverWritesThroughALink) {
    TemporaryDirectory victim;
    victim.write("passwd", "old");
    TarFile archive;
    archive.symlink("etc", victim.path().string()).file("etc/passwd", "new");

    EXPECT_THAT(refusal(archive), HasSubstr("hostile: "));

    std::ifstream file{victim.path() / "passwd"};
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>{file}, {}), "old");
}

TEST_F(AnArchive, ReplacesALinkInsteadOfFollowingIt) {
    TemporaryDirectory victim;
    victim.write("passwd", "old");
    TarFile archive;
    archive.symlink("p", (victim.path() / "passwd").string()).file("p", "new");

    extract(archive);

    EXPECT_EQ(text("p"), "new");
    std::ifstream file{victim.path() / "passwd"};
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>{file}, {}), "old");
}

struct Horror {
    const char* name;
    void (*make)(TarFile& archive);
};

class AHostileArchive : public AnArchive, public ::testing::WithParamInterface<Horror> {};

TEST_P(AHostileArchive, IsRefusedAndSaysWhere) {
    TarFile archive;
    GetParam().make(archive);

    EXPECT_THAT(refusal(archive), ::testing::AllOf(HasSubstr("hostile: "), HasSubstr("archive")));
}

// clang-format off
constexpr Horror horrors[]{
    {"UpwardName", [](TarFile& a) { a.file("../out", "x"); }},
    {"UpwardNameInside", [](TarFile& a) { a.directory("a").file("a/../../out", "x"); }},
    {"AbsoluteName", [](TarFile& a) { a.file("/etc/out", "x"); }},
    {"AbsolutePaxName", [](TarFile& a) { a.pax({{"path", "/etc/out"}}).file("in", "x"); }},
    {"HardLinkUpwards", [](TarFile& a) { a.hard_link("l", "../../etc/passwd"); }},
    {"HardLinkToAbsoluteName", [](TarFile& a) { a.hard_link("l", "/etc/passwd"); }},
    {"HardLinkToNothing", [](TarFile& a) { a.hard_link("l", "missing"); }},
    {"HardLinkThroughALink", [](TarFile& a) { a.symlink("etc", "/etc").hard_link("l", "etc/passwd"); }},
    {"HardLinkToADirectory", [](TarFile& a) { a.directory("d").hard_link("l", "d"); }},
    {"NameThroughALink", [](TarFile& a) { a.symlink("up", "..").file("up/x", "x"); }},
    {"NameThroughAFile", [](TarFile& a) { a.file("f", "1").file("f/x", "x"); }},
    {"RootIsAFile", [](TarFile& a) { a.file("./", "x").add({.name = ".", .type = '2', .link = "/"}); }},
    {"DirectoryReplaced", [](TarFile& a) { a.file("d/x", "1").file("d", "x"); }},
    {"OwnerThatIsNone", [](TarFile& a) { a.add({.name = "f", .owner = 0xffffffff}, "x"); }},
    {"OwnerTooLarge", [](TarFile& a) { a.pax({{"uid", "18446744073709551615"}}).file("f", "x"); }},
    {"SizeTooLarge", [](TarFile& a) { a.pax({{"size", "9223372036854775807"}}).file("f", "x"); }},
    {"NamePartTooLong", [](TarFile& a) { a.gnu_long_name(std::string(300, 'n')).file("cut", "x"); }},
    {"NameTooLong", [](TarFile& a) { std::string n; for (int i = 0; i < 50; ++i) n += std::string(100, 'n') + "/"; a.gnu_long_name(n).file("cut", "x"); }},
    {"TooDeep", [](TarFile& a) { std::string n; for (int i = 0; i < 300; ++i) n += "d/"; a.gnu_long_name(n + "f").file("cut", "x"); }},
    {"DamagedHeader", [](TarFile& a) { a.file("a", "1").raw(std::string(512, 'Z')); }},
    {"SecondArchive", [](TarFile& a) { a.file("a", "1").end().file("b", "2"); }},
    {"TextBehindTheEnd", [](TarFile& a) { a.file("a", "1").end().raw(std::string(4096, '\0')).raw("tail"); }},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(, AHostileArchive, ::testing::ValuesIn(horrors),
                         [](const auto& one) { return one.param.name; });

TEST_F(AnArchive, ThatIsCutOffAnywhereIsRefused) {
    TarFile archive;
    archive.directory("d").file("d/a", std::string(1000, 'x')).file("d/b", std::string(600, 'y'));
    const std::string bytes = archive.bytes(); // without its end

    for (std::size_t size = 0; size <= bytes.size(); size += 128)
        EXPECT_NE(refusal(bytes.substr(0, size)), "") << size;
}

TEST_F(AnArchive, ThatIsNoArchiveIsRefused) {
    EXPECT_NE(refusal(std::string(4096, 'x')), "");
    EXPECT_THAT(refusal(std::string{}), HasSubstr("empty"));
}

TEST_F(AnArchive, MayHaveNoEntryAtAll) {
    EXPECT_EQ(extract(std::string(10240, '\0')).entries, 0U);
}

TEST_F(AnArchive, IsHeldToTheLimits) {
    TarFile many;
    for (int number = 0; number < 20; ++number)
        many.file("f" + std::to_string(number), "x");
    TarFile large;
    large.file("f", std::string(10'000, 'x'));

    EXPECT_THAT(refusal(many, {.limits = {.entries = 10}}), HasSubstr("more than 10 entries"));
    EXPECT_THAT(refusal(large, {.limits = {.bytes = 5000}}), HasSubstr("more than 5000 bytes"));
}

TEST_F(AnArchive, ThatUnpacksToAnythingIsEndedByTheRatio) {
    TarFile archive;
    archive.file("zeros", std::string(std::size_t{20} << 20, '\0'));
    const std::string bomb = packed(Compression::zstd, archive.end().bytes());

    EXPECT_THAT(refusal(bomb, {.limits = {.ratio = 100, .ratio_counts_from = 1 << 20}}), HasSubstr("100 times"));
}

TEST_F(AnArchive, EndsWhenWhoeverWatchesThrows) {
    TarFile archive;
    archive.file("a", "1").file("b", "2");

    EXPECT_THAT(refusal(archive, {.progress =
                                      [](std::uint64_t) {
                                          throw Failure{FailureKind::busy, "canceled"};
                                      }}),
                HasSubstr("canceled"));
}

TEST_F(AnArchive, OfALayerHidesWhatIsBelow) {
    TarFile archive;
    archive.file("etc/.wh.motd", "").file("var/.wh..wh..opq", "").file(".wh..wh.plnk", "").file("var/new", "x");

    extract(archive, {.whiteouts = Whiteouts::overlay});

    EXPECT_EQ(status("etc/motd").st_mode & S_IFMT, mode_t{S_IFCHR});
    EXPECT_EQ(status("etc/motd").st_rdev, ::makedev(0, 0));
    EXPECT_EQ(attribute("var", "trusted.overlay.opaque"), "y");
    EXPECT_EQ(text("var/new"), "x");
    EXPECT_FALSE(std::filesystem::exists(tree.path() / ".wh..wh.plnk"));
}

TEST_F(AnArchive, OfALayerHidesNothingByOddNames) {
    for (const char* name : {".wh.", ".wh..", ".wh..."}) {
        TarFile archive;
        archive.file(name, "");
        EXPECT_THAT(refusal(archive, {.whiteouts = Whiteouts::overlay}), HasSubstr("hostile: ")) << name;
    }
}

TEST_F(AnArchive, WithoutLayersKeepsSuchNames) {
    TarFile archive;
    archive.file(".wh.motd", "text");

    extract(archive);

    EXPECT_EQ(text(".wh.motd"), "text");
}

TEST_F(AnArchive, WithDevicesKeepsThem) {
    TarFile archive;
    archive.add({.name = "null", .type = '3', .mode = 0666, .major = 1, .minor = 3});

    extract(archive);

    EXPECT_EQ(status("null").st_rdev, ::makedev(1, 3));
    EXPECT_EQ(status("null").st_mode, mode_t{S_IFCHR} | 0666U);
}

} // namespace
} // namespace machinist
