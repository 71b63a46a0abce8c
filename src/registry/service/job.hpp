// SPDX-License-Identifier: LGPL-2.1-or-later
// One job: a long piece of work on a machine, that others can watch and end.
#pragma once

#include "base/enum_names.hpp"
#include "bus/event_loop.hpp"
#include "kernel/pidfd.hpp"
#include "spec/job_record.hpp"
#include "spec/job_result.hpp"
#include "spec/transfer_progress.hpp"

#include <cstdint>
#include <string>

namespace machinist {

enum class JobState : std::uint8_t { running, done, failed, canceled };
inline constexpr EnumNames<JobState, 4> job_state_names{{{JobState::running, "running"},
                                                         {JobState::done, "done"},
                                                         {JobState::failed, "failed"},
                                                         {JobState::canceled, "canceled"}}};

struct Job {
    JobRecord record;
    JobState state = JobState::running;
    JobResult result;               // once it runs no more
    std::uint64_t finished = 0;     // microseconds, CLOCK_REALTIME
    TransferProgress progress;      // of a transfer
    std::uint64_t log_offset = 0;   // of its messages, how much has been told
    bool machine_has_ended = false; // of a machine: what is left of the job is the end of its supervisor
    Pidfd process;
    EventSource process_end;
    EventSource patience; // of a canceled one
};

} // namespace machinist
