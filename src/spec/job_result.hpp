// SPDX-License-Identifier: LGPL-2.1-or-later
// How a command in a machine ended, as it is written down for whoever asks later.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

struct JobResult {
    int status = 0;            // as a shell counts: 128 + signal for one, 124 for too late
    std::string failure;       // why it was not executed, or not to its end; "" else
    std::uint64_t user_us = 0; // CPU time, of it and of the children it waited for
    std::uint64_t system_us = 0;
    std::uint64_t memory_peak = 0; // bytes, of the largest of them
    friend bool operator==(const JobResult&, const JobResult&) = default;
};

// Lines "NAME=VALUE"; the last one is "END=1", so that half a file is none.
std::string write_job_result(const JobResult& result);
std::optional<JobResult> parse_job_result(std::string_view text);

} // namespace machinist
