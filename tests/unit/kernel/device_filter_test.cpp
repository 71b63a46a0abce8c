// SPDX-License-Identifier: LGPL-2.1-or-later
// Asks the kernel from inside a cgroup of its own what opens there.
#include "kernel/device_filter.hpp"

#include "base/failure.hpp"
#include "in_child.hpp"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

namespace machinist {
namespace {

constexpr long cgroup2_magic = 0x63677270;

std::filesystem::path cgroup2_mount() {
    for (const char* path : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
        struct statfs status {};
        if (::statfs(path, &status) == 0 && status.f_type == cgroup2_magic)
            return path;
    }
    return {};
}

std::string failure_message(const std::string& text) {
    return text + ": errno " + std::to_string(errno);
}

class ADeviceFilter : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0)
            GTEST_SKIP() << "needs root";
        const auto mount = cgroup2_mount();
        if (mount.empty())
            GTEST_SKIP() << "no cgroup v2 is mounted";
        directory_ = mount / ("machinist-device-test-" + std::to_string(::getpid()));
        if (::mkdir(directory_.c_str(), 0755) < 0)
            GTEST_SKIP() << "cannot make a cgroup below " << mount;
        made_ = true;
        cgroup_ = UniqueFd{::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        nodes_ = std::filesystem::temp_directory_path() / directory_.filename();
        std::filesystem::create_directory(nodes_);
    }
    void TearDown() override {
        if (!made_)
            return;
        cgroup_.reset();
        std::filesystem::remove_all(nodes_);
        EXPECT_EQ(::rmdir(directory_.c_str()), 0);
    }

    void attach(std::span<const DeviceRule> allowed) {
        attach_device_filter(cgroup_, allowed);
    }
    template <typename Body>
    std::string inside(Body body) {
        return failure_in_child([&] {
            std::ofstream{directory_ / "cgroup.procs"} << "0" << std::flush;
            body();
        });
    }
    [[nodiscard]] std::string node(const char* name) const {
        return nodes_ / name;
    }

    std::filesystem::path directory_;
    std::filesystem::path nodes_;
    UniqueFd cgroup_;
    bool made_ = false;
};

void require_open(const char* path, int flags, int expected) {
    const int file = ::open(path, flags | O_CLOEXEC);
    const int number = file < 0 ? errno : 0;
    if (file >= 0)
        ::close(file);
    errno = number;
    if (number != expected)
        throw std::runtime_error{failure_message(std::string{"opening "} + path)};
}

void require_made(const std::string& path, mode_t kind, unsigned major, unsigned minor, int expected) {
    const int number = ::mknod(path.c_str(), kind | 0600, makedev(major, minor)) < 0 ? errno : 0;
    ::unlink(path.c_str());
    errno = number;
    if (number != expected)
        throw std::runtime_error{failure_message("making " + std::to_string(major) + ":" + std::to_string(minor))};
}

TEST_F(ADeviceFilter, OpensTheClosedListAndNothingElse) {
    ASSERT_EQ(::mknod(node("disk").c_str(), S_IFBLK | 0600, makedev(7, 0)), 0);
    ASSERT_EQ(::mknod(node("kmsg").c_str(), S_IFCHR | 0600, makedev(1, 11)), 0);
    attach(closed_device_list());

    EXPECT_EQ(inside([&] {
                  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"})
                      require_open(path, O_RDWR, 0);
                  require_open(node("kmsg").c_str(), O_RDONLY, EPERM);
                  require_open(node("disk").c_str(), O_RDONLY, EPERM);
                  require_open("/dev/ptmx", O_RDWR | O_NOCTTY, 0);
              }),
              "");
}

TEST_F(ADeviceFilter, LetsNodesOfTheClosedListBeMadeAndNoOthers) {
    attach(closed_device_list());

    EXPECT_EQ(inside([&] {
                  require_made(node("null"), S_IFCHR, 1, 3, 0);
                  require_made(node("tun"), S_IFCHR, 10, 200, 0);
                  require_made(node("fuse"), S_IFCHR, 10, 229, 0);
                  require_made(node("console"), S_IFCHR, 5, 1, EPERM); // the host's
                  require_made(node("pty"), S_IFCHR, 136, 77, 0);
                  require_made(node("mem"), S_IFCHR, 1, 1, EPERM);
                  require_made(node("block"), S_IFBLK, 1, 3, EPERM);
                  require_made(node("loop"), S_IFBLK, 7, 0, EPERM);
                  require_made(node("kvm"), S_IFCHR, 10, 232, EPERM);
              }),
              "");
}

TEST_F(ADeviceFilter, TellsReadingFromWritingAndMaking) {
    const DeviceRule rules[]{{DeviceKind::character, 1, 5, device_read},
                             {DeviceKind::character, 1, 3, device_read | device_write}};
    attach(rules);

    EXPECT_EQ(inside([&] {
                  require_open("/dev/zero", O_RDONLY, 0);
                  require_open("/dev/zero", O_WRONLY, EPERM);
                  require_open("/dev/zero", O_RDWR, EPERM);
                  require_open("/dev/null", O_RDWR, 0);
                  require_made(node("null"), S_IFCHR, 1, 3, EPERM);
              }),
              "");
}

TEST_F(ADeviceFilter, KnowsRulesForAnyNumber) {
    const DeviceRule rules[]{{DeviceKind::character, std::nullopt, 9, device_all},
                             {DeviceKind::block, 7, std::nullopt, device_mknod}};
    attach(rules);

    EXPECT_EQ(inside([&] {
                  require_open("/dev/urandom", O_RDONLY, 0);
                  require_open("/dev/null", O_RDONLY, EPERM);
                  require_made(node("loop"), S_IFBLK, 7, 200, 0);
                  require_made(node("loop"), S_IFCHR, 7, 200, EPERM);
              }),
              "");
}

TEST_F(ADeviceFilter, TakesNoNumberForAnotherThatLooksLikeItInPart) {
    const DeviceRule rules[]{{DeviceKind::character, 0x1000, 3, device_all},
                             {DeviceKind::character, 0, (1U << 20) + 3, device_all},
                             {DeviceKind::block, std::nullopt, std::nullopt, device_mknod}};
    attach(rules);

    EXPECT_EQ(inside([&] {
                  require_open("/dev/null", O_RDONLY, EPERM);
                  require_made(node("any"), S_IFBLK, 250, 77777, 0);
                  require_made(node("null"), S_IFCHR, 1, 3, EPERM);
              }),
              "");
}

TEST_F(ADeviceFilter, AllowsNothingWithoutRules) {
    attach({});

    EXPECT_EQ(inside([] { require_open("/dev/null", O_RDONLY, EPERM); }), "");
}

TEST_F(ADeviceFilter, OnlyEverTightensWhatAnotherOneSays) {
    const DeviceRule null_only[]{{DeviceKind::character, 1, 3, device_all}};
    const DeviceRule zero_only[]{{DeviceKind::character, 1, 5, device_all}};
    attach(null_only);
    attach(zero_only);

    EXPECT_EQ(inside([] {
                  require_open("/dev/null", O_RDONLY, EPERM);
                  require_open("/dev/zero", O_RDONLY, EPERM);
              }),
              "");
}

TEST_F(ADeviceFilter, IsReplacedByAnotherThatMayAllowMore) {
    const DeviceRule null_only[]{{DeviceKind::character, 1, 3, device_all}};
    const DeviceRule zero_only[]{{DeviceKind::character, 1, 5, device_all}};
    attach(null_only);

    for (int round = 0; round < 100; ++round) { // more than may be attached beside each other
        replace_device_filter(cgroup_, null_only);
        replace_device_filter(cgroup_, zero_only);
    }

    EXPECT_EQ(inside([] {
                  require_open("/dev/null", O_RDONLY, EPERM);
                  require_open("/dev/zero", O_RDONLY, 0);
              }),
              "");
}

TEST_F(ADeviceFilter, IsReplacedOnlyWhereThereIsOne) {
    EXPECT_THROW(replace_device_filter(cgroup_, closed_device_list()), Failure);
}

TEST_F(ADeviceFilter, LeavesTheRestOfTheSystemAlone) {
    attach({});

    require_open("/dev/null", O_RDONLY, 0);
}

TEST_F(ADeviceFilter, IsAFailureWhereTheDescriptorIsNoCgroup) {
    const UniqueFd elsewhere{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

    EXPECT_THROW(attach_device_filter(elsewhere, closed_device_list()), Failure);
}

TEST_F(ADeviceFilter, CostsAMachineLittle) {
    const auto rules = closed_device_list();
    auto best = std::chrono::steady_clock::duration::max();
    for (int round = 0; round < 20; ++round) {
        const auto start = std::chrono::steady_clock::now();
        attach(rules);
        best = std::min(best, std::chrono::steady_clock::now() - start);
    }
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(best).count();
    RecordProperty("microseconds", static_cast<int>(microseconds));

    EXPECT_LT(microseconds, 20'000);
}

} // namespace
} // namespace machinist
