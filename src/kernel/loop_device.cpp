// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/loop_device.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <filesystem>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>

namespace machinist {

namespace {

constexpr int most_attempts = 100;
constexpr unsigned loop_major = 7;

std::string path_of_loop(int number) {
    return "/dev/loop" + std::to_string(number);
}

UniqueFd open_loop(const std::string& path, int flags) {
    UniqueFd device{::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    if (!device)
        return device;
    const struct stat status = status_of(device);
    if (!S_ISBLK(status.st_mode) || major(status.st_rdev) != loop_major)
        throw Failure{FailureKind::hostile, "open loop device '" + path + "': it is none"};
    return device;
}

loop_config config_of(BorrowedFd file, const LoopPart& part) {
    loop_config config{};
    config.fd = static_cast<unsigned>(file.get());
    config.block_size = part.sector_size;
    config.info.lo_offset = part.offset;
    config.info.lo_sizelimit = part.size;
    // Whoever is killed leaves no device. What is written goes past the page cache of the file, or all of it would be
    // in memory twice; what is only read stays there, for all machines of one image together.
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | (part.read_only ? LO_FLAGS_READ_ONLY : LO_FLAGS_DIRECT_IO);
    return config;
}

} // namespace

LoopDevice attach_loop_device(BorrowedFd file, const LoopPart& part) {
    const UniqueFd control{::open("/dev/loop-control", O_RDWR | O_CLOEXEC)};
    if (!control)
        throw system_failure("open '/dev/loop-control'").try_instead("loading the kernel's module 'loop'");
    const loop_config config = config_of(file, part);
    for (int attempt = 0; attempt < most_attempts; ++attempt) {
        const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0)
            throw system_failure("find a free loop device");
        LoopDevice device{{}, path_of_loop(number)};
        device.descriptor = open_loop(device.path, part.read_only ? O_RDONLY : O_RDWR);
        if (!device.descriptor && errno == ENOENT && attempt == most_attempts - 1)
            throw system_failure("open loop device '" + device.path + "'")
                .try_instead("mounting a devtmpfs on /dev: nobody makes the nodes of new loop devices there");
        if (device.descriptor && ::ioctl(device.descriptor.get(), LOOP_CONFIGURE, &config) == 0)
            return device;
        // Others look for free devices, too: the first to configure one has it.
        if (errno != EBUSY && errno != ENOENT && errno != ENXIO)
            throw system_failure("attach loop device '" + device.path + "'");
        std::this_thread::sleep_for(attempt * std::chrono::microseconds{250});
    }
    throw Failure{FailureKind::busy, "attach a loop device: others were faster each time"};
}

std::string loop_device_writing_to(BorrowedFd file) {
    const struct stat wanted = status_of(file);
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{"/sys/block", ignored}) {
        const std::string name = entry.path().filename();
        if (!name.starts_with("loop") || !std::filesystem::exists(entry.path() / "loop", ignored))
            continue;
        const std::string path = "/dev/" + name;
        const UniqueFd device = open_loop(path, O_RDONLY);
        loop_info64 info{};
        if (device && ::ioctl(device.get(), LOOP_GET_STATUS64, &info) == 0 && info.lo_inode == wanted.st_ino &&
            info.lo_device == wanted.st_dev && (info.lo_flags & LO_FLAGS_READ_ONLY) == 0)
            return path;
    }
    return {};
}

} // namespace machinist
