// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/files.hpp"

#include "base/failure.hpp"
#include "temporary_directory.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

using namespace machinist;
using machinist::testing::TemporaryDirectory;

namespace {

FailureKind kind_of_failure(const auto& body) {
    try {
        body();
    } catch (const Failure& failure) {
        return failure.kind();
    }
    ADD_FAILURE() << "nothing was thrown";
    return FailureKind::internal;
}

} // namespace

TEST(OpeningBeneathARoot, StartsAbsolutePathsAtThatRoot) {
    const TemporaryDirectory tree;
    tree.write("etc/passwd", "of the tree");

    const UniqueFd file = open_beneath(tree.descriptor(), "/etc/passwd", O_RDONLY, Links::refuse);

    EXPECT_EQ(read_all(file), "of the tree");
}

TEST(OpeningBeneathARoot, FollowsAbsoluteLinksAsTheMachineWould) {
    const TemporaryDirectory tree;
    tree.write("usr/lib/os-release", "of the tree");
    tree.link("/usr/lib/os-release", "etc/os-release");

    const UniqueFd file = open_beneath(tree.descriptor(), "etc/os-release", O_RDONLY, Links::inside_root);

    EXPECT_EQ(read_all(file), "of the tree");
}

TEST(OpeningBeneathARoot, KeepsLinksUpwardsInside) {
    const TemporaryDirectory tree;
    tree.write("passwd", "of the tree");
    tree.link("../../../../../../passwd", "a/b/escape");

    const UniqueFd file = open_beneath(tree.descriptor(), "a/b/escape", O_RDONLY, Links::inside_root);

    EXPECT_EQ(read_all(file), "of the tree");
}

TEST(OpeningBeneathARoot, RefusesALinkWhereNoneHasABusiness) {
    const TemporaryDirectory tree;
    tree.link("/", "dev");

    EXPECT_EQ(kind_of_failure([&] { open_beneath(tree.descriptor(), "dev", O_PATH, Links::refuse); }),
              FailureKind::hostile);
    EXPECT_EQ(kind_of_failure([&] { open_beneath(tree.descriptor(), "dev/null", O_PATH, Links::refuse); }),
              FailureKind::hostile);
}

TEST(OpeningBeneathARoot, RefusesALoopOfLinks) {
    const TemporaryDirectory tree;
    tree.link("b", "a");
    tree.link("a", "b");

    EXPECT_EQ(kind_of_failure([&] { open_beneath(tree.descriptor(), "a", O_PATH, Links::inside_root); }),
              FailureKind::hostile);
}

TEST(OpeningBeneathARoot, TellsMissingFromOtherFailures) {
    const TemporaryDirectory tree;
    tree.write("file", "");

    EXPECT_FALSE(open_beneath_if_exists(tree.descriptor(), "nothing", O_PATH, Links::refuse));
    EXPECT_FALSE(open_beneath_if_exists(tree.descriptor(), "file/below", O_PATH, Links::refuse));
    EXPECT_EQ(kind_of_failure([&] { open_beneath(tree.descriptor(), "nothing", O_PATH, Links::refuse); }),
              FailureKind::not_found);
}

TEST(ReadingAnUntrustedFile, DoesNotWaitForAFifo) {
    const TemporaryDirectory tree;
    ASSERT_EQ(::mkfifo((tree.path() / "machine-id").c_str(), 0600), 0);

    EXPECT_EQ(kind_of_failure([&] { read_untrusted(tree.descriptor(), "machine-id"); }), FailureKind::hostile);
}

TEST(ReadingAnUntrustedFile, RefusesADirectory) {
    const TemporaryDirectory tree;
    tree.make_directory("machine-id");

    EXPECT_EQ(kind_of_failure([&] { read_untrusted(tree.descriptor(), "machine-id"); }), FailureKind::hostile);
}

TEST(ReadingAnUntrustedFile, RefusesMoreThanItsLimit) {
    const TemporaryDirectory tree;
    tree.write("fits", std::string(100, 'x'));
    tree.write("large", std::string(101, 'x'));

    EXPECT_EQ(read_untrusted(tree.descriptor(), "fits", 100)->size(), 100U);
    EXPECT_EQ(kind_of_failure([&] { read_untrusted(tree.descriptor(), "large", 100); }), FailureKind::hostile);
}

TEST(ReadingAnUntrustedFile, FindsNothingWhereNothingIs) {
    const TemporaryDirectory tree;
    tree.link("/nowhere", "dangling");

    EXPECT_FALSE(read_untrusted(tree.descriptor(), "etc/machine-id"));
    EXPECT_FALSE(read_untrusted(tree.descriptor(), "dangling"));
}

TEST(MakingDirectoriesBeneathARoot, MakesAllThatAreMissing) {
    const TemporaryDirectory tree;

    make_directories_beneath(tree.descriptor(), "/var/lib/deep", 0750, Links::refuse);

    EXPECT_TRUE(std::filesystem::is_directory(tree.path() / "var/lib/deep"));
}

TEST(MakingDirectoriesBeneathARoot, DoesNotFollowALinkOut) {
    const TemporaryDirectory tree;
    const TemporaryDirectory outside;
    tree.link(outside.path(), "var");

    EXPECT_EQ(kind_of_failure([&] { make_directories_beneath(tree.descriptor(), "var/lib", 0755, Links::refuse); }),
              FailureKind::hostile);
    EXPECT_TRUE(std::filesystem::is_empty(outside.path()));
}

TEST(MakingDirectoriesBeneathARoot, RefusesToGoUp) {
    const TemporaryDirectory tree;

    EXPECT_EQ(kind_of_failure([&] { make_directories_beneath(tree.descriptor(), "a/../../b", 0755, Links::refuse); }),
              FailureKind::invalid);
}

TEST(WritingAtomically, ReplacesWhatIsThereAndLeavesNothingElse) {
    const TemporaryDirectory directory;
    directory.write("state", "old");

    write_atomically(directory.path() / "state", "new", 0640);

    EXPECT_EQ(read_file(directory.path() / "state"), "new");
    EXPECT_EQ(status_of(open_path(directory.path() / "state", O_PATH)).st_mode & 07777, 0640U);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator{directory.path()}, {}), 1);
}
