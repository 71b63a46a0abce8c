// SPDX-License-Identifier: LGPL-2.1-or-later
// A leader as it was written down, and whether the process that has its number now is still that one.
#pragma once

#include "kernel/pidfd.hpp"
#include "spec/machine_record.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <sys/types.h>

namespace machinist {

// "PID PIDFD-INODE START-TIME KEEPER KEEPER-PIDFD-INODE\n" of a run directory; the keeper is the launcher that becomes
// the supervisor. Older launchers did not write it.
struct RecordedLeader {
    pid_t pid = 0;
    std::uint64_t pidfd_inode = 0; // 0: the kernel had none
    std::uint64_t start_time = 0;  // clock ticks since the host's start
    pid_t keeper = 0;
    std::uint64_t keeper_pidfd_inode = 0;
};

// Nothing if it is not written whole.
std::optional<RecordedLeader> parse_recorded_leader(std::string_view text);

// The process, held, if it lives and is that one.
std::optional<Pidfd> hold_leader(const RecordedLeader& leader);
// State files of older machined give a number only: then a process that began after the machine was registered is not
// it.
std::optional<Pidfd> hold_leader(const MachineRecord& record);

} // namespace machinist
