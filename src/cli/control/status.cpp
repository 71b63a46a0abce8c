// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/clock_text.hpp"
#include "cli/control/journal.hpp"
#include "cli/control/machine_report.hpp"
#include "cli/control/process_tree.hpp"
#include "cli/control/verbs.hpp"
#include "kernel/process_status.hpp"
#include "registry/machine_facts.hpp"
#include "registry/machine_ports.hpp"
#include "spec/network_plan.hpp"

#include <cstdio>
#include <net/if.h>

namespace machinist {

namespace {

constexpr std::size_t width = 16; // of the names, right-aligned as systemd does it

class Lines {
public:
    void add(const std::string& name, const std::string& value) {
        if (value.empty())
            return;
        text_.append(width > name.size() ? width - name.size() : 0, ' ')
            .append(name)
            .append(": ")
            .append(value)
            .append("\n");
    }
    void add_more(const std::string& value) {
        text_.append(width + 2, ' ').append(value).append("\n");
    }
    void add_raw(const std::string& lines) {
        text_ += lines;
    }
    [[nodiscard]] const std::string& text() const {
        return text_;
    }

private:
    std::string text_;
};

std::string since(const MachineRecord& record) {
    const std::uint64_t began = record.realtime;
    const std::uint64_t now = realtime_now();
    if (began == 0)
        return {};
    return timestamp_text(began) + "; " + ago_text(now > began ? now - began : 0);
}

std::string process_text(pid_t process, bool is_here) {
    if (process <= 0)
        return {};
    std::string text = std::to_string(process);
    if (!is_here)
        return text;
    try {
        text += " (" + escaped_for_people(read_process_status(process).name) + ")";
    } catch (const Failure&) {
        // It has ended, or is hidden from the caller.
    }
    return text;
}

std::string service_text(const MachineRecord& record) {
    if (record.machine_class.empty())
        return escaped_for_people(record.service);
    return escaped_for_people(record.service) + "; class " + escaped_for_people(record.machine_class);
}

std::string interfaces_text(const MachineRecord& record, bool is_here) {
    std::vector<std::string> names;
    for (const int index : record.network_interfaces) {
        char name[IF_NAMESIZE];
        if (is_here && ::if_indextoname(static_cast<unsigned>(index), name) != nullptr)
            names.emplace_back(name);
        else
            names.push_back(std::to_string(index));
    }
    return joined(names, " ");
}

void add_what_files_tell(Lines& lines, const Machine& machine, const MachineReport& report) {
    const std::vector<PortForward> ports = ports_of(machine);
    for (std::size_t at = 0; at < ports.size(); ++at)
        at == 0 ? lines.add("Ports", describe(ports[at])) : lines.add_more(describe(ports[at]));
    const std::vector<DeviceSpec> devices = machine.spec ? machine.spec->devices : std::vector<DeviceSpec>{};
    for (std::size_t at = 0; at < devices.size(); ++at) {
        const std::string text = escaped_for_people(devices[at].path.string()) + " " + devices[at].access;
        at == 0 ? lines.add("Devices", text) : lines.add_more(text);
    }
    lines.add("Layer", escaped_for_people(layer_text(machine)));
    const bool boots = !machine.spec || machine.spec->payload.mode == StartMode::boot;
    lines.add("Init", boots ? read_machine_facts(machine, {.os_release = false, .addresses = false, .init = true}).init
                            : "none");
    lines.add("State", report.state + (machine.is_ready() ? ", ready" : "") + (is_paused(machine) ? ", paused" : ""));
    const auto told = machine.notifications.find("STATUS");
    lines.add("Status", told == machine.notifications.end() ? "" : escaped_for_people(told->second));
}

std::string describe_one(const MachineReport& report, const Invocation& call, const MachineStore& machines) {
    const MachineRecord& record = report.record;
    const bool is_here = !call.is_remote();
    const auto name = MachineName::parse(report.name);
    const auto machine = is_here && name ? machines.find(*name) : std::nullopt;
    const MachineInside inside = look_inside(call, report);
    Lines lines;
    lines.add_raw(report.name + (record.id ? "(" + record.id->plain() + ")" : "") + "\n");
    lines.add("Since", since(record));
    lines.add("Leader", process_text(record.leader, is_here));
    lines.add("Superv.", process_text(record.supervisor, is_here));
    if (record.service.empty())
        lines.add("Class", escaped_for_people(record.machine_class));
    else
        lines.add("Service", service_text(record));
    lines.add("Root", escaped_for_people(record.root));
    lines.add("Iface", escaped_for_people(interfaces_text(record, is_here)));
    const auto& addresses = inside.found.addresses;
    for (std::size_t at = 0; at < addresses.size(); ++at)
        if (at == 0)
            lines.add("Address", escaped_for_people(addresses[at]));
        else
            lines.add_more(escaped_for_people(addresses[at]));
    lines.add("OS", escaped_for_people(inside.found.title));
    if (inside.id_shift && *inside.id_shift != 0)
        lines.add("ID Shift", std::to_string(*inside.id_shift));
    if (machine)
        add_what_files_tell(lines, *machine, report);
    else
        lines.add("State", report.state);
    lines.add("Unit", escaped_for_people(record.scope));
    lines.add("Subgroup", escaped_for_people(report.subgroup));
    if (machine)
        lines.add_raw(process_tree(*machine, std::string(width + 2, ' '), call.full));
    if (is_here && name)
        lines.add_raw(journal_of(record, call));
    return lines.text();
}

} // namespace

int show_status(const Invocation& call, const MachineStore& machines) {
    std::vector<std::string> texts;
    for (const MachineReport& report : reports_of(call, machines))
        texts.push_back(describe_one(report, call, machines));
    std::fputs(joined(texts, "\n").c_str(), stdout);
    return 0;
}

} // namespace machinist
