// SPDX-License-Identifier: LGPL-2.1-or-later
// What a job is, as it is written down so that whoever keeps jobs can be replaced while they run.
#pragma once

#include "base/enum_names.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace machinist {

enum class JobKind : std::uint8_t { exec, start, transfer, run };
inline constexpr EnumNames<JobKind, 4> job_kind_names{
    {{JobKind::exec, "exec"}, {JobKind::start, "start"}, {JobKind::transfer, "transfer"}, {JobKind::run, "run"}}};

// What a transfer is, as systemd's importctl tells it.
struct TransferRecord {
    std::string type;        // "import-tar", ...
    std::string remote;      // where it comes from, if that has a name
    std::string image_class; // "machine", ...
    std::string verify;      // "no", "checksum" or "signature"
    friend bool operator==(const TransferRecord&, const TransferRecord&) = default;
};

struct JobRecord {
    std::uint32_t id = 0;
    JobKind kind = JobKind::exec;
    std::string machine;             // of a transfer, the image
    std::uint32_t owner = 0;         // who asked for it
    std::string description;         // for people
    std::uint64_t begun = 0;         // microseconds, CLOCK_REALTIME
    bool canceled = false;           // somebody asked it to end
    pid_t process = 0;               // exec, transfer, run: that does it
    std::uint64_t process_inode = 0; // of its pidfd; 0: the kernel has none
    std::uint64_t process_start = 0; // clock ticks since the host's start
    std::string unit;                // start
    TransferRecord transfer;
    friend bool operator==(const JobRecord&, const JobRecord&) = default;
};

// Lines "NAME=VALUE", the last one "END=1".
std::string write_job_record(const JobRecord& record);
std::optional<JobRecord> parse_job_record(std::string_view text);

} // namespace machinist
