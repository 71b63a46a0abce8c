// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/mount_text.hpp"

#include <gmock/gmock.h>

namespace machinist {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

namespace {

ExtraMount mount_of(const ParsedMount& parsed) {
    if (const auto* none = std::get_if<NoMount>(&parsed)) {
        ADD_FAILURE() << none->why;
        return {};
    }
    return std::get<ExtraMount>(parsed);
}

bool refused(const ParsedMount& parsed) {
    return std::holds_alternative<NoMount>(parsed);
}

} // namespace

TEST(ABindMount, GoesToTheSamePathUnlessToldOtherwise) {
    const ExtraMount mount = mount_of(parse_bind("/srv//data/", true));
    EXPECT_EQ(mount.source.path, "/srv//data/");
    EXPECT_EQ(mount.destination, "/srv/data");
    EXPECT_TRUE(mount.read_only && mount.recursive);
    EXPECT_EQ(mount_of(parse_bind("/a:/b", false)).destination, "/b");
}

TEST(ABindMount, TakesOptionsBehindTheSecondColon) {
    const ExtraMount mount = mount_of(parse_bind("/a:/b:norbind,owneridmap", false));
    EXPECT_FALSE(mount.recursive);
    EXPECT_EQ(mount.id_mapping, IdMapping::destination_owner);
    EXPECT_THAT(std::get<NoMount>(parse_bind("/a:/b:idmap,odd", false)).why, HasSubstr("unknown option 'odd'"));
}

TEST(ABindMount, MayComeFromTheImageOrFromNowhere) {
    EXPECT_TRUE(mount_of(parse_bind("+/usr:/b", false)).source.in_image);
    EXPECT_EQ(mount_of(parse_bind("+/usr", false)).destination, "/usr");
    EXPECT_TRUE(mount_of(parse_bind(":/b", false)).source.is_temporary());
}

TEST(ABindMount, MayHaveColonsInItsPathsBehindBackslashes) {
    const ExtraMount mount = mount_of(parse_bind(R"(/a\:b\\c:/d\:e)", false));
    EXPECT_EQ(mount.source.path, R"(/a:b\c)");
    EXPECT_EQ(mount.destination, "/d:e");
}

TEST(ABindMount, WithoutMeaningIsRefused) {
    for (const char* text : {"", ":", "a:/b", "/a:b", "/a:/b:rbind:x", "/a:/../b", "+", "+a", "/a\\"})
        EXPECT_TRUE(refused(parse_bind(text, false))) << text;
    EXPECT_TRUE(refused(parse_bind(std::string_view{"/a\0b:/c", 7}, false)));
}

TEST(AnOverlay, OfTwoPathsIsMountedOnItsUpperDirectory) {
    const ExtraMount mount = mount_of(parse_overlay("/low:+/up", false));
    EXPECT_THAT(mount.lower, ElementsAre(Field(&MountSource::path, "/low")));
    EXPECT_EQ(mount.upper->path, "/up");
    EXPECT_TRUE(mount.upper->in_image);
    EXPECT_EQ(mount.destination, "/up");
}

TEST(AnOverlay, HasItsLowestDirectoryFirst) {
    const ExtraMount mount = mount_of(parse_overlay("/a:/b:/c:/d", false));
    EXPECT_THAT(mount.lower, ElementsAre(Field(&MountSource::path, "/a"), Field(&MountSource::path, "/b")));
    EXPECT_EQ(mount.upper->path, "/c");
    EXPECT_EQ(mount.destination, "/d");
}

TEST(AnOverlay, WritesToAThrowAwayDirectoryWhereNoneIsGiven) {
    EXPECT_TRUE(mount_of(parse_overlay("/a::/d", false)).upper->is_temporary());
}

TEST(AReadOnlyOverlay, HasOnlyLowerDirectories) {
    const ExtraMount mount = mount_of(parse_overlay("/a:/b:/d", true));
    EXPECT_EQ(mount.lower.size(), 2U);
    EXPECT_FALSE(mount.upper);
}

TEST(AnOverlay, WithoutMeaningIsRefused) {
    for (const char* text : {"", "/a", "a:/b", "/a:b", ":/a:/b", "/a:/b:c", "/a:/b:/../c", "/a:/b\\"})
        EXPECT_TRUE(refused(parse_overlay(text, false))) << text;
}

TEST(ATmpfs, HasTheModeOfADirectoryUnlessToldOtherwise) {
    EXPECT_EQ(mount_of(parse_tmpfs("/var/tmp")).tmpfs_options, "mode=0755");
    EXPECT_EQ(mount_of(parse_tmpfs("/var/tmp:size=10%,mode=1777")).tmpfs_options, "size=10%,mode=1777");
    EXPECT_TRUE(refused(parse_tmpfs("tmp")));
    EXPECT_TRUE(refused(parse_tmpfs("/tmp:mode=1\n")));
}

TEST(AMount, IsReadBackFromWhatIsShownOfIt) {
    for (const char* text : {"/a:/b:norbind,rootidmap", "+/a:/b", ":/b", R"(/a\:b:/c\\d)"})
        EXPECT_EQ(option_text(mount_of(parse_bind(text, false))), "--bind=" + std::string{text});
    for (const char* text : {"/a:/b:/c:/d", "/a::/d", "+/a:+/b:/c"})
        EXPECT_EQ(option_text(mount_of(parse_overlay(text, false))), "--overlay=" + std::string{text});
    EXPECT_EQ(option_text(mount_of(parse_tmpfs("/a:size=1"))), "--tmpfs=/a:size=1");
    EXPECT_EQ(option_text(mount_of(parse_inaccessible("/a"))), "--inaccessible=/a");
}

} // namespace machinist
