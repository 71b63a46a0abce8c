// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/host_units.hpp"

#include "base/failure.hpp"

#include <map>

namespace machinist {

namespace {

constexpr const char* service = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager = "org.freedesktop.systemd1.Manager";
constexpr std::chrono::hours longest_start{1}; // units have limits of their own
constexpr std::chrono::seconds longest_reload{300};

using Changes = std::vector<std::tuple<std::string, std::string, std::string>>;

constexpr Method of_systemd(const char* member) {
    return {service, manager_path, manager, member};
}

std::vector<std::string> lines_of(const Changes& changes) {
    std::vector<std::string> lines;
    for (const auto& [kind, file, target] : changes) {
        if (kind == "symlink")
            lines.push_back("Created symlink '" + file + "' → '" + target + "'.");
        else if (kind == "unlink")
            lines.push_back("Removed '" + file + "'.");
    }
    return lines;
}

} // namespace

std::string unit_of_machine(const Invocation& call, const std::string& machine) {
    std::string runner = call.runner;
    if (runner.empty())
        runner = call.as_machinectl ? "nspawn" : "machinist";
    const std::string unit = runner == "machinist" ? runner : "systemd-" + runner;
    return unit + "@" + machine + ".service";
}

HostUnits::HostUnits(ServiceClient& client) : client_(client) {
    // Else systemd tells of no job. Who asked before is told the same.
    try {
        client_.ask(of_systemd("Subscribe"), {});
    } catch (const Failure& failure) {
        if (failure.kind() != FailureKind::system)
            throw;
    }
}

void HostUnits::start(const std::string& unit) {
    std::map<std::string, std::string> results;
    // Before the unit job is asked for: it may be done at once.
    const BusSlot slot = client_.bus().match(std::string{"type='signal',sender='"} + service + "',interface='" +
                                                 manager + "',member='JobRemoved'",
                                             [&](sd_bus_message* message) {
                                                 (void)wire::get<std::uint32_t>(message);
                                                 const std::string job = wire::get<ObjectPath>(message).text;
                                                 (void)wire::get<std::string>(message);
                                                 results[job] = wire::get<std::string>(message);
                                             });
    std::string job;
    client_.ask(
        of_systemd("StartUnit"),
        [&](sd_bus_message* message) {
            wire::put(message, unit);
            wire::put(message, std::string{"fail"});
        },
        [&](const Answer& answer) { job = answer.take<ObjectPath>().text; });
    (void)client_.wait_until([&] { return results.contains(job); }, std::chrono::steady_clock::now() + longest_start);
    if (const std::string& result = results[job]; result != "done")
        throw Failure{FailureKind::system,
                      "start '" + unit + "': its unit job ended as '" + (result.empty() ? "timeout" : result) + "'"}
            .try_instead("'journalctl --unit=" + unit + "', which tells why");
}

std::vector<std::string> HostUnits::enable(const std::vector<std::string>& units) {
    std::vector<std::string> lines;
    client_.ask(
        of_systemd("EnableUnitFiles"),
        [&](sd_bus_message* message) {
            wire::put(message, units);
            wire::put(message, false); // for good, not until the next boot
            wire::put(message, false); // nothing is replaced
        },
        [&](const Answer& answer) {
            (void)answer.take<bool>();
            lines = lines_of(answer.take<Changes>());
        });
    reload();
    return lines;
}

std::vector<std::string> HostUnits::disable(const std::vector<std::string>& units) {
    std::vector<std::string> lines;
    client_.ask(
        of_systemd("DisableUnitFiles"),
        [&](sd_bus_message* message) {
            wire::put(message, units);
            wire::put(message, false);
        },
        [&](const Answer& answer) { lines = lines_of(answer.take<Changes>()); });
    reload();
    return lines;
}

void HostUnits::reload() {
    client_.ask(of_systemd("Reload"), {}, {}, longest_reload);
}

} // namespace machinist
