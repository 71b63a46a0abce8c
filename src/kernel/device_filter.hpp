// SPDX-License-Identifier: LGPL-2.1-or-later
// The device policy of a cgroup: an allow list by kind, number and access, enforced by a BPF program of the kernel.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace machinist {

enum class DeviceKind : std::uint8_t { character, block };

// Combined by |; the values are those of linux/bpf.h.
inline constexpr std::uint8_t device_mknod = 1;
inline constexpr std::uint8_t device_read = 2;
inline constexpr std::uint8_t device_write = 4;
inline constexpr std::uint8_t device_all = device_mknod | device_read | device_write;

struct DeviceRule {
    DeviceKind kind = DeviceKind::character;
    std::optional<std::uint32_t> major; // nothing: any
    std::optional<std::uint32_t> minor;
    std::uint8_t access = device_all;
    friend bool operator==(const DeviceRule&, const DeviceRule&) = default;
};

// null zero full random urandom tty, ptmx, console and pts/*, net/tun, fuse. Opening and making these is allowed,
// everything else is refused with EPERM.
std::vector<DeviceRule> closed_device_list();

// From now on, for all processes of this cgroup v2 directory and below it, in addition to what cgroups above say.
// It stays until the directory is removed. Needs CAP_BPF and CAP_NET_ADMIN of the initial user namespace.
void attach_device_filter(BorrowedFd cgroup, std::span<const DeviceRule> allowed);
// In the place of the one that was attached so: at no time does neither hold, or both. Failure(not_found) where none
// is.
void replace_device_filter(BorrowedFd cgroup, std::span<const DeviceRule> allowed);

} // namespace machinist
