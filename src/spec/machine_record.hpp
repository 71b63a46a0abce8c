// SPDX-License-Identifier: LGPL-2.1-or-later
// The text of /run/systemd/machines/NAME: what is told of a running machine to everybody who asks by its name.
// The format is systemd-machined's (an environment file), because libsystemd and others read it.
#pragma once

#include "base/machine_id.hpp"
#include "base/machine_name.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace machinist {

struct MachineRecord {
    MachineName name = *MachineName::parse("machine");
    std::uint32_t uid = 0; // who registered it
    std::string scope;     // name of the unit, scope or service; "" without systemd
    std::string service;   // "systemd-nspawn", "libvirt-lxc", ...
    std::string root;      // of the image, on the host
    std::optional<MachineId> id;
    pid_t leader = 0;
    std::uint64_t leader_pidfd_id = 0; // inode of its pidfd; 0: unknown
    pid_t supervisor = 0;
    std::uint64_t supervisor_pidfd_id = 0;
    std::string machine_class = "container";
    std::uint64_t realtime = 0;          // microseconds, CLOCK_REALTIME, when it was registered
    std::uint64_t monotonic = 0;         // microseconds, CLOCK_MONOTONIC
    std::vector<int> network_interfaces; // on the host's side
    std::uint32_t vsock_cid = UINT32_MAX;
    std::string ssh_address;
    std::string ssh_private_key_path;
    std::string control_address;
    // Beyond machined's keys, which ignores what it does not know: by it we know files of our own.
    std::string run_directory;
    friend bool operator==(const MachineRecord&, const MachineRecord&) = default;
};

inline constexpr std::size_t machine_record_limit = 65536;

// Text of any kind is safe in the members: it is quoted as machined does. A NUL ends a value.
std::string write_machine_record(const MachineRecord& record);

// Nothing if the text is no such file: it has no valid name or leader, is larger than the limit or ends within quotes.
// Unknown keys and lines without '=' are skipped; the last of several equal keys counts.
std::optional<MachineRecord> parse_machine_record(std::string_view text);

} // namespace machinist
