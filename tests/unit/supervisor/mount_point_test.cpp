// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/mount_point.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {

namespace {

class AMountPoint : public testing::Test {
protected:
    AMountPoint() {
        char pattern[] = "/tmp/machinist-mount-point-XXXXXX";
        directory_ = ::mkdtemp(pattern);
        root_ = open_path(directory_, O_PATH | O_DIRECTORY);
    }
    ~AMountPoint() override {
        std::filesystem::remove_all(directory_);
    }

    [[nodiscard]] Path path(const char* name) const {
        return directory_ / name;
    }
    [[nodiscard]] FailureKind kind_of_failure(const MountStep& step, MountPointKind kind) const {
        try {
            open_mount_point(step, root_, kind);
        } catch (const Failure& failure) {
            return failure.kind();
        }
        return FailureKind::internal;
    }

    Path directory_;
    UniqueFd root_;
};

MountStep an_api_step(const char* target) {
    return {.target = target, .action = DeviceDirectory{}};
}

MountStep a_bind_step(const char* target) {
    return {.target = target, .action = Extra{{.destination = target, .source = {.path = "/"}}}};
}

} // namespace

TEST_F(AMountPoint, IsMadeWhereItIsMissing) {
    const auto place = open_mount_point(a_bind_step("/srv/data/here"), root_, MountPointKind::directory);

    ASSERT_TRUE(place);
    EXPECT_TRUE(std::filesystem::is_directory(path("srv/data/here")));
}

TEST_F(AMountPoint, IsAFileForAFile) {
    const auto place = open_mount_point(a_bind_step("/etc/motd"), root_, MountPointKind::file);

    ASSERT_TRUE(place);
    EXPECT_TRUE(std::filesystem::is_regular_file(path("etc/motd")));
}

TEST_F(AMountPoint, OfAnApiFilesystemIsNeverALink) {
    std::filesystem::create_directory(path("elsewhere"));
    std::filesystem::create_symlink("elsewhere", path("dev"));

    EXPECT_EQ(kind_of_failure(an_api_step("/dev"), MountPointKind::directory), FailureKind::hostile);
}

TEST_F(AMountPoint, OfAnApiFilesystemIsNeverAFifo) {
    ASSERT_EQ(::mkfifo(path("run").c_str(), 0600), 0);

    EXPECT_EQ(kind_of_failure(an_api_step("/run"), MountPointKind::directory), FailureKind::hostile);
}

TEST_F(AMountPoint, OfTheAdministratorFollowsLinksInsideTheTree) {
    std::filesystem::create_directory(path("run"));
    std::filesystem::create_directory(path("var"));
    std::filesystem::create_symlink("/run", path("var/run"));

    const auto place = open_mount_point(a_bind_step("/var/run/here"), root_, MountPointKind::directory);

    ASSERT_TRUE(place);
    EXPECT_TRUE(std::filesystem::is_directory(path("run/here")));
}

TEST_F(AMountPoint, NeverLeavesTheTree) {
    std::filesystem::create_directory(path("tmp"));
    std::filesystem::create_symlink("../../../../../../tmp", path("out"));

    const auto place = open_mount_point(a_bind_step("/out/machinist-escape"), root_, MountPointKind::directory);

    ASSERT_TRUE(place);
    EXPECT_FALSE(std::filesystem::exists("/tmp/machinist-escape"));
    EXPECT_TRUE(std::filesystem::is_directory(path("tmp/machinist-escape")));
}

TEST_F(AMountPoint, MustFitWhatIsMountedThere) {
    std::filesystem::create_directory(path("srv"));

    EXPECT_EQ(kind_of_failure(a_bind_step("/srv"), MountPointKind::file), FailureKind::invalid);
}

TEST_F(AMountPoint, IsSkippedOrRefusedWhereTheStepSaysSo) {
    MountStep step = an_api_step("/missing");
    step.when_missing = WhenMissing::skip;
    EXPECT_FALSE(open_mount_point(step, root_, MountPointKind::directory));

    step.when_missing = WhenMissing::fail;
    EXPECT_EQ(kind_of_failure(step, MountPointKind::directory), FailureKind::not_found);
}

} // namespace machinist
