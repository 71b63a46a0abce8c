// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/service_reports.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/plain_survey.hpp"
#include "cli/control/service_client.hpp"

#include <algorithm>
#include <array>
#include <unistd.h>

namespace machinist {

namespace {

using Finding = std::tuple<std::string, std::string, std::string, ObjectPath, std::string, std::string, std::string,
                           std::vector<std::string>>;

MachineRow row_from(Finding& finding) {
    auto& [name, machine_class, service, object, system, version, title, addresses] = finding;
    return {.name = std::move(name),
            .machine_class = std::move(machine_class),
            .service = std::move(service),
            .found = {.leader = 0,
                      .system = std::move(system),
                      .version = std::move(version),
                      .title = std::move(title),
                      .addresses = std::move(addresses),
                      .has_own_network = false}};
}

// By our own method; nothing where another service keeps the list.
std::optional<std::vector<MachineRow>> survey(ServiceClient& client, const std::vector<std::string>& names,
                                              const SurveyWish& wish) {
    std::vector<std::string> facts;
    if (wish.system)
        facts.emplace_back("system");
    if (wish.addresses)
        facts.emplace_back("addresses");
    std::vector<Finding> findings;
    try {
        if (!client.ask_if_served(
                {machine1_service, machine1_path, our_manager, "SurveyMachines"},
                [&](sd_bus_message* message) {
                    wire::put(message, names);
                    wire::put(message, facts);
                },
                [&](const Answer& answer) { findings = answer.take<std::vector<Finding>>(); }))
            return std::nullopt;
    } catch (const Failure& failure) {
        // The bus lets nobody but root ask another service for what that one does not know.
        if (failure.kind() == FailureKind::not_permitted)
            return std::nullopt;
        throw;
    }
    std::vector<MachineRow> rows;
    for (Finding& finding : findings)
        rows.push_back(row_from(finding));
    return rows;
}

template <typename T>
T value_in(const NamedValues& values, const char* name, T otherwise = {}) {
    const auto found = values.find(name);
    const T* held = found == values.end() ? nullptr : std::get_if<T>(&found->second);
    return held == nullptr ? otherwise : *held;
}

std::string text_in(const NamedValues& values, const char* name) {
    return value_in<std::string>(values, name);
}

MachineRecord record_from(const NamedValues& values) {
    MachineRecord record;
    record.uid = value_in<std::uint32_t>(values, "UID");
    record.scope = text_in(values, "Unit");
    record.service = text_in(values, "Service");
    record.root = text_in(values, "RootDirectory");
    const auto bytes = value_in<std::vector<std::uint8_t>>(values, "Id");
    std::string hexadecimal;
    for (const std::uint8_t byte : bytes) {
        constexpr std::string_view digits = "0123456789abcdef";
        hexadecimal.append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
    }
    record.id = MachineId::parse(hexadecimal);
    record.leader = static_cast<pid_t>(value_in<std::uint32_t>(values, "Leader"));
    record.leader_pidfd_id = value_in<std::uint64_t>(values, "LeaderPIDFDId");
    record.supervisor = static_cast<pid_t>(value_in<std::uint32_t>(values, "Supervisor"));
    record.supervisor_pidfd_id = value_in<std::uint64_t>(values, "SupervisorPIDFDId");
    record.machine_class = text_in(values, "Class");
    record.realtime = value_in<std::uint64_t>(values, "Timestamp");
    record.monotonic = value_in<std::uint64_t>(values, "TimestampMonotonic");
    const auto interfaces = value_in<std::vector<std::int32_t>>(values, "NetworkInterfaces");
    record.network_interfaces = {interfaces.begin(), interfaces.end()};
    record.vsock_cid = value_in<std::uint32_t>(values, "VSockCID", UINT32_MAX);
    record.ssh_address = text_in(values, "SSHAddress");
    record.ssh_private_key_path = text_in(values, "SSHPrivateKeyPath");
    return record;
}

std::string plain_text_of(const Variant& value) {
    return std::visit(
        [](const auto& held) -> std::string {
            using T = std::decay_t<decltype(held)>;
            if constexpr (std::same_as<T, bool>)
                return held ? "yes" : "no";
            else if constexpr (std::integral<T> || std::floating_point<T>)
                return std::to_string(held);
            else if constexpr (std::same_as<T, std::string>)
                return held;
            else if constexpr (std::same_as<T, ObjectPath>)
                return held.text;
            else if constexpr (std::same_as<T, std::vector<std::string>>)
                return joined(held, " ");
            else
                return {};
        },
        value);
}

// Of machinist's own interfaces, in the order of the alphabet.
Properties beyond_machine1(const NamedValues& values) {
    constexpr std::array known{"Name",       "Id",
                               "Timestamp",  "TimestampMonotonic",
                               "Service",    "Unit",
                               "Scope",      "Subgroup",
                               "Leader",     "LeaderPIDFDId",
                               "Supervisor", "SupervisorPIDFDId",
                               "Class",      "RootDirectory",
                               "State",      "NetworkInterfaces",
                               "VSockCID",   "SSHAddress",
                               "UID",        "SSHPrivateKeyPath"};
    Properties properties;
    for (const auto& [name, value] : values)
        if (std::ranges::find(known, name) == known.end())
            properties.emplace_back(name, plain_text_of(value));
    return properties;
}

NamedValues all_properties(ServiceClient& client, const std::string& object) {
    NamedValues values;
    client.ask(
        {machine1_service, object.c_str(), "org.freedesktop.DBus.Properties", "GetAll"},
        [](sd_bus_message* message) { wire::put(message, std::string{}); },
        [&](const Answer& answer) { values = answer.take<NamedValues>(); });
    return values;
}

std::optional<std::string> object_if_served(ServiceClient& client, const std::string& machine) {
    std::string object;
    if (!client.ask_if_served(
            of_manager("GetMachine"), [&](sd_bus_message* message) { wire::put(message, machine); },
            [&](const Answer& answer) { object = answer.take<ObjectPath>().text; }))
        return std::nullopt;
    return object;
}

} // namespace

std::optional<std::vector<MachineRow>> rows_by_service(const Invocation& call, const SurveyWish& wish) {
    const auto client = ServiceClient::connect_if_there(call);
    if (!client)
        return std::nullopt;
    if (auto rows = survey(*client, {}, wish))
        return rows;
    // Root of this host knows from the files what that service would be asked for machine by machine.
    if (::geteuid() == 0 && !call.is_remote())
        return std::nullopt;
    return survey_plainly(*client, wish);
}

std::optional<std::vector<MachineReport>> reports_by_service(const Invocation& call) {
    const auto client = ServiceClient::connect_if_there(call);
    if (!client)
        return std::nullopt;
    std::vector<MachineReport> reports;
    for (const std::string& name : call.words) {
        const auto object = object_if_served(*client, name);
        if (!object) {
            if (call.is_remote())
                throw Failure{FailureKind::not_supported, "nobody keeps a list of machines there"};
            return std::nullopt;
        }
        const NamedValues values = all_properties(*client, *object);
        reports.push_back({.name = text_in(values, "Name"),
                           .record = record_from(values),
                           .subgroup = text_in(values, "Subgroup"),
                           .state = text_in(values, "State"),
                           .ours = beyond_machine1(values)});
        if (const auto machine_name = MachineName::parse(reports.back().name))
            reports.back().record.name = *machine_name;
    }
    return reports;
}

std::optional<MachineInside> inside_by_service(const Invocation& call, const std::string& machine) {
    const auto client = ServiceClient::connect_if_there(call);
    if (!client)
        return std::nullopt;
    auto rows = survey(*client, {machine}, {});
    if (!rows) {
        if (::geteuid() == 0 && !call.is_remote())
            return std::nullopt;
        rows = {{.name = machine, .machine_class = {}, .service = {}, .found = survey_plainly(*client, machine)}};
    }
    MachineInside inside{.found = rows->empty() ? SurveyFinding{} : std::move(rows->front().found), .id_shift = {}};
    try {
        client->ask(
            of_manager("GetMachineUIDShift"), [&](sd_bus_message* message) { wire::put(message, machine); },
            [&](const Answer& answer) { inside.id_shift = answer.take<std::uint32_t>(); });
    } catch (const Failure&) {
        // It has the host's users, or more than one range, or has no users of its own kind at all.
    }
    return inside;
}

std::optional<Properties> provider_by_service(const Invocation& call) {
    const auto client = ServiceClient::connect_if_there(call);
    if (!client)
        return std::nullopt;
    NamedValues values;
    if (!client->ask_if_served(
            {machine1_service, machine1_path, "org.freedesktop.DBus.Properties", "GetAll"},
            [](sd_bus_message* message) { wire::put(message, std::string{}); },
            [&](const Answer& answer) { values = answer.take<NamedValues>(); }))
        return std::nullopt;
    Properties properties;
    for (const char* name : {"PoolPath", "PoolUsage", "PoolLimit"}) {
        const auto found = values.extract(name);
        if (!found.empty())
            properties.emplace_back(name, plain_text_of(found.mapped()));
    }
    for (const auto& [name, value] : values)
        properties.emplace_back(name, plain_text_of(value));
    return properties;
}

} // namespace machinist
