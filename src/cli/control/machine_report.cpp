// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/machine_report.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/clock_text.hpp"
#include "cli/control/service_reports.hpp"
#include "image/os_release.hpp"
#include "kernel/addresses.hpp"
#include "kernel/files.hpp"
#include "registry/id_mapping.hpp"
#include "registry/running_survey.hpp"

#include <algorithm>
#include <chrono>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::chrono::milliseconds patience{5000};

MachineReport report_from(const Machine& machine) {
    return {.name = machine.name(),
            .record = machine.record,
            .subgroup = {},
            .state = machine.state(),
            .ours = own_properties_of(machine)};
}

// Without root less is seen.
std::map<pid_t, SurveyFinding> survey_if_allowed(const std::vector<SurveyTarget>& targets, const SurveyWish& wish) {
    return ::geteuid() == 0 ? survey_machines(targets, wish, patience) : std::map<pid_t, SurveyFinding>{};
}

MachineRow row_of_host(const SurveyWish& wish) {
    MachineRow row{.name = ".host", .machine_class = "host", .service = {}, .found = {}};
    auto text = read_file_if_exists("/etc/os-release");
    if (!text)
        text = read_file_if_exists("/usr/lib/os-release");
    auto fields = parse_os_release(text.value_or("")).value_or(std::map<std::string, std::string>{});
    row.found.system = fields["ID"];
    row.found.version = fields["VERSION_ID"];
    if (wish.addresses)
        row.found.addresses = read_addresses();
    return row;
}

std::vector<MachineRow> rows_of_files(const MachineStore& machines, const SurveyWish& wish) {
    std::vector<MachineRow> rows{row_of_host(wish)};
    std::vector<SurveyTarget> targets;
    for (const Machine& machine : machines.list()) {
        rows.push_back({.name = machine.name(),
                        .machine_class = machine.record.machine_class,
                        .service = machine.record.service,
                        .found = {}});
        rows.back().found.leader = machine.leader.pid();
        if (!machine.opening)
            targets.push_back({.leader = machine.leader.pid(), .pidfd_inode = machine.leader.inode()});
    }
    auto findings = survey_if_allowed(targets, wish);
    for (MachineRow& row : rows)
        if (const auto found = findings.find(row.found.leader); found != findings.end())
            row.found = std::move(found->second);
    return rows;
}

std::string interfaces_text(const MachineRecord& record) {
    std::vector<std::string> numbers;
    for (const int index : record.network_interfaces)
        numbers.push_back(std::to_string(index));
    return joined(numbers, " ");
}

// What only the files tell, to those who may read them.
void add_what_files_tell(MachineReport& report, const MachineStore& machines) {
    const auto name = MachineName::parse(report.name);
    const auto machine = name ? machines.find(*name) : std::nullopt;
    if (!machine || machine->leader.pid() != report.record.leader || machine->run_directory.empty())
        return;
    for (auto& property : own_properties_of(*machine))
        if (std::ranges::find(report.ours, property.first, &Properties::value_type::first) == report.ours.end())
            report.ours.push_back(std::move(property));
}

} // namespace

std::vector<MachineRow> rows_of_machines(const Invocation& call, const MachineStore& machines, const SurveyWish& wish) {
    auto rows = rows_by_service(call, wish);
    if (!rows)
        rows = rows_of_files(machines, wish);
    if (!call.show_empty)
        std::erase_if(*rows, [](const MachineRow& row) { return row.name.starts_with('.'); });
    std::ranges::sort(*rows, {}, &MachineRow::name);
    return std::move(*rows);
}

std::vector<MachineReport> reports_of(const Invocation& call, const MachineStore& machines) {
    if (auto reports = reports_by_service(call)) {
        if (!call.is_remote())
            for (MachineReport& report : *reports)
                add_what_files_tell(report, machines);
        return std::move(*reports);
    }
    std::vector<MachineReport> reports;
    for (const std::string& name : call.words)
        reports.push_back(report_from(machines.get(name)));
    return reports;
}

MachineInside look_inside(const Invocation& call, const MachineReport& report) {
    if (auto inside = inside_by_service(call, report.name))
        return std::move(*inside);
    MachineInside inside;
    const SurveyTarget target{.leader = report.record.leader, .pidfd_inode = report.record.leader_pidfd_id};
    const auto findings = survey_if_allowed({target}, {});
    if (const auto found = findings.find(target.leader); found != findings.end())
        inside.found = found->second;
    if (const auto leader = Pidfd::open(report.record.leader))
        inside.id_shift = read_id_mappings(*leader).shift();
    return inside;
}

Properties properties_of_provider(const Invocation& call) {
    if (auto properties = provider_by_service(call))
        return std::move(*properties);
    return {{"PoolPath", "/var/lib/machines"}};
}

Properties properties_of(const MachineReport& report) {
    const MachineRecord& record = report.record;
    Properties properties{{"Name", report.name},
                          {"Id", record.id ? record.id->plain() : ""},
                          {"Timestamp", timestamp_text(record.realtime)},
                          {"TimestampMonotonic", std::to_string(record.monotonic)},
                          {"Service", record.service},
                          {"Unit", record.scope},
                          {"Subgroup", report.subgroup},
                          {"Leader", std::to_string(record.leader)},
                          {"LeaderPIDFDId", std::to_string(record.leader_pidfd_id)},
                          {"Supervisor", std::to_string(record.supervisor)},
                          {"SupervisorPIDFDId", std::to_string(record.supervisor_pidfd_id)},
                          {"Class", record.machine_class},
                          {"RootDirectory", record.root},
                          {"NetworkInterfaces", interfaces_text(record)},
                          {"VSockCID", std::to_string(record.vsock_cid)},
                          {"SSHAddress", record.ssh_address},
                          {"SSHPrivateKeyPath", record.ssh_private_key_path},
                          {"State", report.state},
                          {"UID", std::to_string(record.uid)}};
    properties.insert(properties.end(), report.ours.begin(), report.ours.end());
    return properties;
}

} // namespace machinist
