// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/base_directories.hpp"

#include "base/failure.hpp"
#include "private_mounts.hpp"
#include "temporary_directory.hpp"

#include <gtest/gtest.h>
#include <linux/mount.h>
#include <sys/stat.h>

using namespace machinist;
using machinist::testing::in_private_mounts;
using machinist::testing::TemporaryDirectory;

namespace {

mode_t mode_of(const std::filesystem::path& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
}

} // namespace

TEST(BaseDirectories, AreMadeInAnEmptyTree) {
    const TemporaryDirectory tree;

    make_base_directories(tree.descriptor());

    for (const auto& [name, mode] : {std::pair{"root", 0750},
                                     {"usr", 0755},
                                     {"var", 0755},
                                     {"etc", 0755},
                                     {"proc", 0555},
                                     {"sys", 0555},
                                     {"dev", 0555},
                                     {"run", 0555}})
        EXPECT_EQ(mode_of(tree.path() / name), static_cast<mode_t>(mode)) << name;
    EXPECT_FALSE(std::filesystem::is_symlink(tree.path() / "bin"));
}

TEST(BaseDirectories, HaveTheirModesUnderAnyUmask) {
    const TemporaryDirectory tree;
    const mode_t before = ::umask(077);

    make_base_directories(tree.descriptor());

    EXPECT_EQ(::umask(before), 077U);
    EXPECT_EQ(mode_of(tree.path() / "proc"), 0555U);
}

TEST(BaseDirectories, BecomeLinksWhereUsrHasTheContents) {
    const TemporaryDirectory tree;
    tree.make_directory("usr/bin");
    tree.make_directory("usr/lib");
    tree.write("usr/lib64/ld-linux-x86-64.so.2", "");

    make_base_directories(tree.descriptor());

    EXPECT_EQ(std::filesystem::read_symlink(tree.path() / "bin"), "usr/bin");
    EXPECT_EQ(std::filesystem::read_symlink(tree.path() / "lib"), "usr/lib");
    EXPECT_EQ(std::filesystem::read_symlink(tree.path() / "lib64"), "usr/lib64");
    EXPECT_FALSE(std::filesystem::is_symlink(tree.path() / "sbin"));
}

TEST(BaseDirectories, LeaveWhatIsThere) {
    const TemporaryDirectory tree;
    const TemporaryDirectory outside;
    tree.make_directory("usr/bin");
    tree.make_directory("bin");
    tree.link(outside.path(), "var");
    tree.write("run", "a file");

    make_base_directories(tree.descriptor());

    EXPECT_TRUE(std::filesystem::is_directory(std::filesystem::symlink_status(tree.path() / "bin")));
    EXPECT_EQ(std::filesystem::read_symlink(tree.path() / "var"), outside.path());
    EXPECT_TRUE(std::filesystem::is_regular_file(tree.path() / "run"));
    EXPECT_TRUE(std::filesystem::is_empty(outside.path()));
}

TEST(BaseDirectories, AreNotMissedInAReadOnlyTree) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    const TemporaryDirectory tree;

    const auto said = in_private_mounts([&] {
        const UniqueFd mount = clone_mount(open_path(tree.path(), O_PATH), false);
        change_mount(mount, {.set = MOUNT_ATTR_RDONLY});
        make_base_directories(mount);
        return std::string{"content"};
    });

    EXPECT_EQ(said, "content");
}
