// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/device_nodes.hpp"

#include "base/failure.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <sys/stat.h>

namespace machinist {

namespace {

std::uint8_t access_of(std::string_view words) {
    std::uint8_t access = 0;
    for (const char word : words)
        access |= word == 'r' ? device_read : word == 'w' ? device_write : device_mknod;
    return access;
}

bool add_node(std::vector<DeviceNode>& nodes, const DeviceSpec& device) {
    struct stat status {};
    if (::stat(device.host_path().c_str(), &status) < 0)
        throw system_failure("give the machine device '" + device.host_path().string() + "'");
    const bool is_block = S_ISBLK(status.st_mode);
    if (!is_block && !S_ISCHR(status.st_mode))
        return false;
    nodes.push_back({.path = device.path,
                     .number = status.st_rdev,
                     .is_block = is_block,
                     .mode = device.mode.value_or(status.st_mode) & mode_t{07777},
                     .user = device.user.value_or(0),
                     .group = device.group.value_or(0),
                     .access = access_of(device.access)});
    return true;
}

} // namespace

std::vector<DeviceNode> device_nodes_of(const DeviceSpec& device) {
    std::vector<DeviceNode> nodes;
    std::error_code error;
    if (std::filesystem::is_directory(device.host_path(), error)) {
        std::vector<Path> entries;
        for (const auto& entry : std::filesystem::directory_iterator{device.host_path()})
            if (!entry.is_directory())
                entries.push_back(entry.path());
        std::ranges::sort(entries);
        for (const Path& entry : entries) {
            DeviceSpec one = device;
            one.source = entry;
            one.path = device.path / entry.filename();
            (void)add_node(nodes, one);
        }
    } else if (!add_node(nodes, device)) {
        throw Failure{FailureKind::invalid,
                      "give the machine device '" + device.host_path().string() + "': it is no device"};
    }
    return nodes;
}

std::vector<DeviceNode> device_nodes_of(const MachineSpec& spec) {
    std::vector<DeviceNode> nodes;
    for (const DeviceSpec& device : spec.devices)
        std::ranges::move(device_nodes_of(device), std::back_inserter(nodes));
    return nodes;
}

} // namespace machinist
