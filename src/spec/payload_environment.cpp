// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/payload_environment.hpp"

#include <algorithm>

namespace machinist {

namespace {

void set(std::vector<std::string>& environment, const std::string& assignment) {
    const std::string_view name = std::string_view{assignment}.substr(0, assignment.find('=') + 1);
    const auto same = std::ranges::find_if(environment, [&](const std::string& v) { return v.starts_with(name); });
    if (same == environment.end())
        environment.push_back(assignment);
    else
        *same = assignment;
}

} // namespace

std::vector<std::string> payload_environment(const MachineSpec& spec, const PayloadFacts& facts) {
    std::vector<std::string> environment{
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "container=" + spec.service,
        "TERM=" + spec.payload.terminal,
    };
    environment.insert(environment.end(), spec.payload.terminal_extras.begin(), spec.payload.terminal_extras.end());
    environment.push_back("HOME=" + facts.home);
    environment.push_back("USER=" + facts.user);
    environment.push_back("LOGNAME=" + facts.user);
    environment.push_back("container_uuid=" + spec.id.with_dashes());
    if (facts.listen_fds > 0) {
        environment.push_back("LISTEN_FDS=" + std::to_string(facts.listen_fds));
        environment.emplace_back("LISTEN_PID=1");
    }
    environment.emplace_back("NOTIFY_SOCKET=/run/host/notify");
    if (!spec.credentials.empty())
        environment.emplace_back("CREDENTIALS_DIRECTORY=/run/host/credentials");
    if (spec.payload.mode != StartMode::boot)
        environment.emplace_back("LANG=C.UTF-8");
    environment.insert(environment.end(), spec.payload.host_ids.begin(), spec.payload.host_ids.end());
    for (const std::string& assignment : spec.payload.environment)
        set(environment, assignment);
    return environment;
}

std::vector<std::string> stub_init_environment(const MachineSpec& spec) {
    return {"container=" + spec.service, "container_uuid=" + spec.id.plain()};
}

} // namespace machinist
