// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/host_machine.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "kernel/files.hpp"

#include <ctime>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::uint32_t own_vsock_cid = 1; // VMADDR_CID_LOCAL

std::uint64_t microseconds(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

} // namespace

RegisteredMachine host_machine() {
    RegisteredMachine host;
    host.is_host = true;
    host.announced = true;
    host.state = MachineState::running;
    host.record.machine_class = "host";
    host.record.service = "";
    host.record.root = "/";
    host.record.scope = "-.slice";
    host.record.leader = 1;
    host.record.realtime = microseconds(CLOCK_REALTIME) - microseconds(CLOCK_BOOTTIME);
    host.record.monotonic = 0;
    if (::access("/dev/vsock", F_OK) == 0)
        host.record.vsock_cid = own_vsock_cid;
    try {
        if (const auto text = read_file_if_exists("/etc/machine-id"))
            host.record.id = MachineId::parse(trimmed(*text));
        if (auto leader = Pidfd::open(1)) {
            host.record.leader_pidfd_id = leader->inode();
            host.leader = std::move(*leader);
        }
    } catch (const Failure&) {
        // A host without an id is a host.
    }
    return host;
}

} // namespace machinist
