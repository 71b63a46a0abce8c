// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/job_result.hpp"

#include "base/text.hpp"

namespace machinist {

std::string write_job_result(const JobResult& result) {
    return "STATUS=" + std::to_string(result.status) + "\nUSER=" + std::to_string(result.user_us) +
           "\nSYSTEM=" + std::to_string(result.system_us) + "\nMEMORY=" + std::to_string(result.memory_peak) +
           "\nFAILURE=" + escaped_for_people(result.failure) + "\nEND=1\n";
}

std::optional<JobResult> parse_job_result(std::string_view text) {
    if (!text.ends_with("\nEND=1\n"))
        return std::nullopt;
    JobResult result;
    for (const std::string_view line : split(text, '\n')) {
        const auto equals = line.find('=');
        if (equals == std::string_view::npos)
            continue;
        const std::string_view name = line.substr(0, equals);
        const std::string_view value = line.substr(equals + 1);
        if (name == "STATUS")
            result.status = parse_integer<int>(value).value_or(255);
        else if (name == "USER")
            result.user_us = parse_integer<std::uint64_t>(value).value_or(0);
        else if (name == "SYSTEM")
            result.system_us = parse_integer<std::uint64_t>(value).value_or(0);
        else if (name == "MEMORY")
            result.memory_peak = parse_integer<std::uint64_t>(value).value_or(0);
        else if (name == "FAILURE")
            result.failure = value;
    }
    return result;
}

} // namespace machinist
