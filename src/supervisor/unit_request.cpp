// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/unit_request.hpp"

#include "base/failure.hpp"
#include "scope/unit_report.hpp"
#include "spec/scope_name.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace machinist {

namespace {

// TasksMax= of systemd's own template unit for machines.
constexpr const char* most_tasks = "16384";

std::string key_of(const Start& start) {
    return start.run.path().filename().string();
}

void add_scope(std::vector<std::string>& words, const Start& start) {
    const auto add_property = [&](const std::string& assignment) { words.push_back("--property=" + assignment); };
    words.push_back("--scope=" + scope_name(key_of(start)));
    words.push_back("--launcher=" + std::to_string(::getpid()));
    add_property("Description=Machine " + start.spec.name.text());
    add_property("Slice=" + start.spec.slice);
    add_property("Delegate=yes");
    add_property("CollectMode=inactive-or-failed");
    // A scope has no main process that alone could be told to stop, and this one means nothing to whoever did not ask
    // for it: the supervisor does.
    add_property("KillSignal=SIGURG");
    add_property(std::string{"TasksMax="} + most_tasks);
    add_property("DevicePolicy=closed");
    for (const std::string& device : scope_devices(start.spec))
        add_property("DeviceAllow=" + device);
    for (const std::string& assignment : start.spec.resources.group_limits)
        add_property(assignment);
    for (const std::string& assignment : start.spec.unit_properties)
        add_property(assignment);
}

void add_listing(std::vector<std::string>& words, const Start& start) {
    words.emplace_back("--register");
    words.push_back("--id=" + start.spec.id.plain());
    words.push_back("--service=" + start.spec.service);
    words.push_back("--root=" + start.spec.root.directory.string());
    for (const int link : start.host_links)
        words.push_back("--interface=" + std::to_string(link));
}

// Whoever connects is for the other end the caller, whoever writes: so the machine's supervisor is known to be this
// process, which becomes it.
UniqueFd connect_to_the_bus() {
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "/run/dbus/system_bus_socket"};
    if (!socket || ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
        return {};
    return socket;
}

void take_the_scope(Start& start) {
    const CgroupPlan plan = plan_cgroup(start.place, key_of(start));
    start.run.will_undo(plan.undo_lines);
    start.cgroup = make_machine_cgroup(plan, start.spec, start.leader.pid());
}

} // namespace

void begin_unit_request(Start& start) {
    start.unit = unit_of(start.cgroup);
    const bool wants_scope = start.place == UnitPlace::new_scope;
    const bool wants_listing = start.spec.registered && systemd_runs_the_host();
    if ((!wants_scope && !wants_listing) || ::access(start.programs.unit.c_str(), X_OK) < 0)
        return;
    const UniqueFd bus = connect_to_the_bus();
    if (!bus)
        return;
    std::vector<std::string> words{start.programs.unit.string(), "--machine=" + start.spec.name.text(),
                                   "--leader=" + std::to_string(start.leader.pid())};
    if (wants_scope)
        add_scope(words, start);
    if (wants_listing) {
        add_listing(words, start);
        start.run.will_undo("unlist " + start.programs.unit.string() + " " + start.spec.name.text());
    }
    start.unit_request = std::make_unique<RunningProgram>(words, bus);
}

void finish_unit_request(Start& start) {
    UnitReport report;
    if (start.unit_request) {
        report = read_unit_report(start.unit_request->finish().output);
        start.unit_request.reset();
    }
    if (report.failure)
        throw std::move(*report.failure);
    if (start.place == UnitPlace::new_scope) {
        if (!report.has_bus)
            start.place = UnitPlace::own_group;
        take_the_scope(start);
        start.unit = unit_of(start.cgroup);
    }
    start.is_listed = report.is_listed;
    // Where nobody provides the list, the state file is the entry.
    if (report.why_not_listed && !start.spec.registration_may_fail)
        throw std::move(*report.why_not_listed);
}

} // namespace machinist
