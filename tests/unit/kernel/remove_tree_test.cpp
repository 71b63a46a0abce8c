// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "temporary_directory.hpp"

#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace machinist;
using machinist::testing::TemporaryDirectory;

namespace {

bool there_is(const std::filesystem::path& path) {
    return std::filesystem::exists(std::filesystem::symlink_status(path));
}

bool make_immutable(const std::filesystem::path& path) {
    const UniqueFd file = open_path(path, O_RDONLY);
    int flags = 0;
    if (::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) < 0)
        return false;
    flags |= FS_IMMUTABLE_FL;
    return ::ioctl(file.get(), FS_IOC_SETFLAGS, &flags) == 0;
}

} // namespace

TEST(RemovingATree, RemovesEveryKindOfEntry) {
    const TemporaryDirectory parent;
    parent.write("tree/etc/passwd", "root");
    parent.make_directory("tree/empty");
    parent.link("/etc", "tree/link");
    ASSERT_EQ(::mkfifo((parent.path() / "tree/fifo").c_str(), 0600), 0);

    remove_tree(parent.descriptor(), "tree");

    EXPECT_FALSE(there_is(parent.path() / "tree"));
}

TEST(RemovingATree, IsContentWithNothing) {
    const TemporaryDirectory parent;

    EXPECT_NO_THROW(remove_tree(parent.descriptor(), "nothing"));
}

TEST(RemovingATree, RemovesASingleFileOrLink) {
    const TemporaryDirectory parent;
    parent.write("kept", "");
    parent.write("file", "");
    parent.link("kept", "link");

    remove_tree(parent.descriptor(), "file");
    remove_tree(parent.descriptor(), "link");

    EXPECT_FALSE(there_is(parent.path() / "file"));
    EXPECT_FALSE(there_is(parent.path() / "link"));
    EXPECT_TRUE(there_is(parent.path() / "kept"));
}

TEST(RemovingATree, FollowsNoLink) {
    const TemporaryDirectory parent;
    const TemporaryDirectory outside;
    outside.write("file", "");
    parent.link(outside.path(), "tree/a");
    parent.link("..", "tree/b");

    remove_tree(parent.descriptor(), "tree");

    EXPECT_TRUE(there_is(outside.path() / "file"));
    EXPECT_TRUE(there_is(parent.path()));
}

TEST(RemovingATree, TakesOnlyNamesOfEntries) {
    const TemporaryDirectory parent;

    for (const char* name : {"", ".", "..", "a/b", "/etc"})
        EXPECT_THROW(remove_tree(parent.descriptor(), name), Failure) << name;
}

TEST(RemovingATree, GoesDeeperThanThereAreDescriptorsOrPathBytes) {
    const TemporaryDirectory parent;
    constexpr int depth = 1500;
    UniqueFd level = open_path(parent.path(), O_PATH | O_DIRECTORY);
    for (int i = 0; i < depth; ++i) {
        const char* name = i == 0 ? "tree" : "a-directory-with-a-name";
        ASSERT_EQ(::mkdirat(level.get(), name, 0755), 0);
        level = UniqueFd{::openat(level.get(), name, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    }

    remove_tree(parent.descriptor(), "tree");

    EXPECT_FALSE(there_is(parent.path() / "tree"));
}

TEST(RemovingATree, IsNotMisledByTheNamesItUsesItself) {
    const TemporaryDirectory parent;
    std::filesystem::path deep = "tree";
    for (int i = 0; i < 120; ++i)
        deep /= "d";
    parent.write(deep / "file", "");
    for (int i = 0; i < 20; ++i)
        parent.write("tree/.#deep." + std::to_string(i) + "/file", "");

    remove_tree(parent.descriptor(), "tree");

    EXPECT_FALSE(there_is(parent.path() / "tree"));
}

TEST(RemovingATree, RemovesDirectoriesThatNobodyMayWrite) {
    const TemporaryDirectory parent;
    parent.write("tree/closed/file", "");
    ASSERT_EQ(::chmod((parent.path() / "tree/closed").c_str(), 0), 0);

    remove_tree(parent.descriptor(), "tree");

    EXPECT_FALSE(there_is(parent.path() / "tree"));
}

TEST(RemovingATree, RemovesWhatIsImmutable) {
    const TemporaryDirectory parent;
    parent.write("tree/var/empty/file", "");
    if (!make_immutable(parent.path() / "tree/var/empty/file") || !make_immutable(parent.path() / "tree/var/empty"))
        GTEST_SKIP() << "needs root and a filesystem with attributes";

    remove_tree(parent.descriptor(), "tree");

    EXPECT_FALSE(there_is(parent.path() / "tree"));
}

TEST(RemovingATree, DoesNotCrossIntoAMount) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root";
    const TemporaryDirectory parent;
    parent.make_directory("tree/mounted");
    parent.make_directory("elsewhere");
    parent.write("elsewhere/file", "");

    // A mount namespace is entered for good: in a process of its own.
    const pid_t child = ::fork();
    if (child == 0) {
        try {
            enter_private_mount_namespace();
            attach_mount(clone_mount(open_path(parent.path() / "elsewhere", O_PATH), false),
                         open_path(parent.path() / "tree/mounted", O_PATH));
            remove_tree(open_path(parent.path(), O_PATH), "tree");
            ::_exit(1);
        } catch (const Failure& failure) {
            ::_exit(failure.kind() == FailureKind::busy ? 0 : 2);
        }
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);

    EXPECT_EQ(WEXITSTATUS(status), 0);
    EXPECT_TRUE(there_is(parent.path() / "elsewhere/file"));
}
