// SPDX-License-Identifier: LGPL-2.1-or-later
// What somebody wants to have registered, from the door to the registry: values that were read and not yet judged, and
// the judging of them.
#pragma once

#include "kernel/pidfd.hpp"
#include "spec/machine_record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

struct RegistrationRequest {
    std::string name;
    std::vector<std::uint8_t> id; // 16 bytes or none
    std::string service;
    std::string machine_class;
    std::uint32_t leader = 0; // 0: the caller
    std::uint64_t leader_pidfd_id = 0;
    std::optional<Pidfd> leader_held; // instead of the number
    std::string root;
    std::vector<std::int32_t> network_interfaces;
    std::uint32_t vsock_cid = UINT32_MAX;
    std::string ssh_address;
    std::string ssh_private_key_path;
    std::string control_address;
};

struct Registrant {
    uid_t uid = 0;
    pid_t pid = 0;
};

struct Registration {
    MachineRecord record; // times and unit are not set yet
    Pidfd leader;
};

// Throws Failure(invalid) for each value that has no meaning, Failure(not_permitted) for a leader that is not the
// registrant's.
Registration judge(RegistrationRequest request, const Registrant& registrant);

} // namespace machinist
