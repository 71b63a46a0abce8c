// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/way_of_root.hpp"

#include "temporary_directory.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

class TheWayToAFile : public ::testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        place_.write("etc/web", "text");
    }

    [[nodiscard]] std::filesystem::path at(const char* name) const {
        return place_.path() / name;
    }
    [[nodiscard]] bool is_roots(const char* name) const {
        return is_way_of_root(at(name), open_path(at(name), O_RDONLY));
    }
    static void give(const std::filesystem::path& path) {
        ASSERT_EQ(::lchown(path.c_str(), 65534, 65534), 0);
    }

    testing::TemporaryDirectory place_;
};

} // namespace

TEST_F(TheWayToAFile, IsRootsWhereNobodyElseMayWrite) {
    EXPECT_TRUE(is_roots("etc/web"));
    EXPECT_TRUE(is_roots("etc/../etc/./web"));
}

TEST_F(TheWayToAFile, IsNotRootsIfTheFileIsSomebodyElses) {
    give(at("etc/web"));

    EXPECT_FALSE(is_roots("etc/web"));
}

TEST_F(TheWayToAFile, IsNotRootsIfOthersMayWriteToTheFile) {
    ASSERT_EQ(::chmod(at("etc/web").c_str(), 0664), 0);

    EXPECT_FALSE(is_roots("etc/web"));
}

TEST_F(TheWayToAFile, IsNotRootsIfADirectoryIsSomebodyElses) {
    give(at("etc"));

    EXPECT_FALSE(is_roots("etc/web"));
}

TEST_F(TheWayToAFile, IsNotRootsIfOthersMayReplaceWhatIsInADirectory) {
    ASSERT_EQ(::chmod(at("etc").c_str(), 0777), 0);
    EXPECT_FALSE(is_roots("etc/web"));

    ASSERT_EQ(::chmod(at("etc").c_str(), 01777), 0);
    EXPECT_TRUE(is_roots("etc/web"));
}

TEST_F(TheWayToAFile, GoesByLinksOfRoot) {
    place_.link("etc", "directory");
    place_.link("../directory/web", "etc/link");
    place_.link(at("etc/link"), "absolute");

    EXPECT_TRUE(is_roots("directory/link"));
    EXPECT_TRUE(is_roots("absolute"));
}

TEST_F(TheWayToAFile, IsNotRootsIfALinkIsSomebodyElses) {
    place_.link("web", "etc/link");
    give(at("etc/link"));

    EXPECT_FALSE(is_roots("etc/link"));
}

TEST_F(TheWayToAFile, IsNotRootsIfALinkLeadsToSomebodyElsesDirectory) {
    place_.write("home/web", "text");
    give(at("home"));
    place_.link("../home/web", "etc/link");

    EXPECT_FALSE(is_roots("etc/link"));
}

TEST_F(TheWayToAFile, IsNotThatOfAnotherFile) {
    place_.write("other", "text");

    EXPECT_FALSE(is_way_of_root(at("etc/web"), open_path(at("other"), O_RDONLY)));
    EXPECT_FALSE(is_way_of_root("web", open_path(at("etc/web"), O_RDONLY)));
}

} // namespace machinist
