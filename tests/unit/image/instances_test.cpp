// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/instances.hpp"

#include "base/failure.hpp"
#include "image/image_metadata.hpp"
#include "image/stack.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "unit/image/pool_fixture.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

namespace machinist {
namespace {

using testing::APool;
using ::testing::ElementsAre;

class InstancesOfAnImage : public APool {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        place.write("machines/web/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        place.write("machines/web/etc/passwd", "root");
        ::chmod((place.path() / "machines/web/etc").c_str(), 0751);
    }
    [[nodiscard]] std::string read(const std::string& name, const char* file) const {
        return read_untrusted(open_image_tree(pool().get(name).path), file).value_or("nothing");
    }
};

TEST_F(InstancesOfAnImage, AreClonesWithNumbersAndWithoutAMachineId) {
    EXPECT_THAT(make_instances(pool(), "web", 2), ElementsAre("web-1", "web-2"));

    EXPECT_EQ(read("web-1", "etc/machine-id"), "");
    EXPECT_EQ(read("web-2", "etc/passwd"), "root");
    EXPECT_EQ(read("web", "etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
    const UniqueFd tree = open_image_tree(pool().get("web-1").path);
    EXPECT_EQ(status_of(open_beneath(tree, "etc", O_PATH, Links::refuse)).st_mode & 07777, 0751U);
}

TEST_F(InstancesOfAnImage, ThatAreThereAlreadyStayWhatTheyAre) {
    place.write("machines/web-1/etc/mine", "kept");

    EXPECT_THAT(make_instances(pool(), "web", 2), ElementsAre("web-1", "web-2"));

    EXPECT_EQ(read("web-1", "etc/mine"), "kept");
}

TEST_F(InstancesOfAnImage, AreNeitherNoneNorTooMany) {
    EXPECT_THROW(make_instances(pool(), "web", 0), Failure);
    EXPECT_THROW(make_instances(pool(), "web", 1001), Failure);
}

TEST_F(InstancesOfAnImage, AreRefusedOfADiskWithoutAFilesystemAndNotLeftOver) {
    place.write("machines/disk.raw", std::string(4096, '\0'));

    EXPECT_THROW(make_instances(pool(), "disk", 2), Failure);

    EXPECT_FALSE(pool().find("disk-1"));
}

TEST_F(InstancesOfAnImage, OfADiskHaveNoMachineIdAndTheDiskKeepsIts) {
    place.write("tree/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    place.write("tree/usr/kept", "text");
    const auto disk = place.path() / "machines/disk.raw";
    ASSERT_EQ(run_program({"/bin/sh", "-ec",
                           "PATH=$PATH:/usr/sbin; truncate -s 16M " + disk.string() + "; mkfs.ext4 -q -F -d " +
                               (place.path() / "tree").string() + " " + disk.string()})
                  .status,
              0);

    EXPECT_THAT(make_instances(pool(), "disk", 2), ElementsAre("disk-1", "disk-2"));

    EXPECT_EQ(read_image_metadata(pool().get("disk-1")).machine_id, std::nullopt);
    EXPECT_EQ(read_image_metadata(pool().get("disk-2")).machine_id, std::nullopt);
    EXPECT_NE(read_image_metadata(pool().get("disk")).machine_id, std::nullopt);
}

} // namespace
} // namespace machinist
