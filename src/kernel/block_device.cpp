// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/block_device.hpp"

#include "base/failure.hpp"
#include "base/unique_fd.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

namespace machinist {

std::optional<BlockDeviceFacts> read_block_device_facts(const std::filesystem::path& path) {
    const UniqueFd device{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    if (!device)
        return std::nullopt;
    BlockDeviceFacts facts;
    int read_only = 0;
    if (::ioctl(device.get(), BLKGETSIZE64, &facts.size) < 0 || ::ioctl(device.get(), BLKROGET, &read_only) < 0)
        return std::nullopt;
    facts.read_only = read_only != 0;
    return facts;
}

void make_block_device_read_only(const std::filesystem::path& path, bool read_only) {
    const UniqueFd device = open_path(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    const int value = read_only ? 1 : 0;
    if (::ioctl(device.get(), BLKROSET, &value) < 0)
        throw system_failure("change whether '" + path.string() + "' can be written");
}

} // namespace machinist
