// SPDX-License-Identifier: LGPL-2.1-or-later
#include "network/link_management.hpp"

#include "kernel/files.hpp"
#include "spec/network_plan.hpp"

#include <filesystem>
#include <sys/stat.h>

namespace machinist {

namespace {

bool has_processes(const std::string& hierarchy) {
    const auto processes = read_file_if_exists(hierarchy + "/system.slice/systemd-networkd.service/cgroup.procs");
    return processes && !processes->empty();
}

bool networkd_runs() {
    for (const char* hierarchy : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"})
        if (has_processes(hierarchy))
            return true;
    return false;
}

// The first one counts; empty ones and links to /dev/null say that there shall be none.
bool has_network_file(const std::string& name) {
    for (const char* place : {"/etc", "/run", "/usr/local/lib", "/usr/lib"}) {
        const std::filesystem::path path = std::filesystem::path{place} / "systemd/network" / name;
        struct stat status {};
        if (::stat(path.c_str(), &status) == 0)
            return S_ISREG(status.st_mode) && status.st_size > 0;
    }
    return false;
}

} // namespace

bool networkd_sees_to(std::string_view link) {
    return has_network_file(link.starts_with("vz-") ? "80-container-vz.network" : "80-container-ve.network") &&
           networkd_runs();
}

std::string served_link_of(const NetworkSpec& network, const MachineName& machine) {
    if (!network.veth || !network.bridge.empty())
        return {};
    const NetworkPlan plan = plan_network(network, machine);
    std::string link = plan.zone_bridge;
    for (const PlannedLink& planned : plan.links)
        if (link.empty() && planned.machine_name == plan.main_link)
            link = planned.host_name;
    return link.empty() || networkd_sees_to(link) ? std::string{} : link;
}

bool needs_gateway(const NetworkSpec& network, const MachineName& machine) {
    return !network.ports.empty() || !served_link_of(network, machine).empty();
}

} // namespace machinist
