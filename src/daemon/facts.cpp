// SPDX-License-Identifier: LGPL-2.1-or-later
// Members that tell what is in machines: addresses, operating system, users.
#include "daemon/facts.hpp"
#include "base/failure.hpp"
#include "base/text.hpp"
#include "daemon/errands.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/object_paths.hpp"
#include "daemon/own_users.hpp"
#include "image/os_release.hpp"
#include "kernel/addresses.hpp"
#include "kernel/files.hpp"
#include "registry/id_mapping.hpp"

#include <arpa/inet.h>

namespace machinist {

namespace {

constexpr std::chrono::seconds patience{25};

std::vector<MachineAddress> addresses_in(const std::vector<std::string>& lines) {
    std::vector<MachineAddress> addresses;
    for (const std::string& line : lines) {
        const std::string text = line.substr(0, line.find('%'));
        for (const auto& [family, size] : {std::pair{AF_INET, 4}, std::pair{AF_INET6, 16}}) {
            std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
            if (::inet_pton(family, text.c_str(), bytes.data()) == 1)
                addresses.emplace_back(family, std::move(bytes));
        }
    }
    return addresses;
}

void get_addresses(Service& service, const Call& call, const std::string& name) {
    find_addresses(service, name, [call](const std::vector<MachineAddress>* found, const Failure* failure) {
        answer(call, [&] {
            if (failure != nullptr)
                throw Failure{*failure};
            call.reply(*found);
        });
    });
}

void get_os_release(Service& service, const Call& call, const std::string& name) {
    when_allowed(service, call,
                 {.action = inspect_machines, .verb = "get_os_release", .machine = name, .owner_may = true},
                 [=, &service] {
                     find_os_release(service, name,
                                     [call](const std::map<std::string, std::string>* fields, const Failure* failure) {
                                         answer(call, [&] {
                                             if (failure != nullptr)
                                                 throw Failure{*failure};
                                             call.reply(*fields);
                                         });
                                     });
                 });
}

void get_uid_shift(Service& service, const Call& call, const std::string& name) {
    const RegisteredMachine& machine = service.registry.get(name);
    if (!machine.is_host && machine.record.machine_class != "container")
        throw Failure{FailureKind::not_supported, "Requesting the user id shift is supported for containers only"};
    const auto shift = machine.is_host ? std::uint32_t{0} : read_id_mappings(machine.leader).shift();
    if (!shift)
        throw Failure{FailureKind::not_supported, "Machine " + name + " uses a complex user id mapping"};
    call.reply(*shift);
}

struct Kind {
    const char* map_from;
    const char* map_to;
    std::vector<IdMap> IdMappings::*maps;
    FailureKind unmapped;
    const char* word;
};
constexpr Kind kinds[] = {
    {"MapFromMachineUser", "MapToMachineUser", &IdMappings::users, FailureKind::no_user_mapping, "user"},
    {"MapFromMachineGroup", "MapToMachineGroup", &IdMappings::groups, FailureKind::no_group_mapping, "group"}};

void map_from(Service& service, const Call& call, const Kind& kind) {
    const auto name = call.take<std::string>();
    const auto inside = call.take<std::uint32_t>();
    const auto mappings = own_users_of(service.registry.get(name));
    const auto outside = mappings ? outside_of((*mappings).*kind.maps, inside) : std::nullopt;
    if (!outside)
        throw Failure{kind.unmapped,
                      "Machine '" + name + "' has no matching " + kind.word + " mapping for " + std::to_string(inside)};
    call.reply(*outside);
}

void map_to(Service& service, const Call& call, const Kind& kind) {
    const auto outside = call.take<std::uint32_t>();
    if (outside < first_id_of_machines)
        throw Failure{kind.unmapped, std::string{kind.word} + " " + std::to_string(outside) + " is one of the host"};
    const auto found = find_by_own_users(
        service.registry, [&](const IdMappings& mappings) { return inside_of(mappings.*kind.maps, outside); });
    if (!found)
        throw Failure{kind.unmapped, "No machine has a matching " + std::string{kind.word} + " mapping for " +
                                         std::to_string(outside)};
    const auto& [machine, inside] = *found;
    call.reply(machine->name(), ObjectPath{path_of_machine(machine->name())}, inside);
}

} // namespace

void find_addresses(Service& service, const std::string& name, const OnAddresses& done) {
    const RegisteredMachine& machine = service.registry.get(name);
    if (machine.is_host) {
        const auto addresses = addresses_in(read_addresses());
        return done(&addresses, nullptr);
    }
    service.errands.run(
        machine, {.kind = ErrandKind::addresses}, {.patience = patience},
        [done, name](const ErrandAnswer* answered, const Failure* failure) {
            const Failure none{FailureKind::no_own_network, "Machine " + name + " does not use private networking"};
            if (failure != nullptr)
                return done(nullptr, failure->kind() == FailureKind::not_supported ? &none : failure);
            std::vector<std::string> lines;
            for (const std::string_view line : split(answered->text, '\n'))
                lines.emplace_back(line);
            const auto addresses = addresses_in(lines);
            done(&addresses, nullptr);
        });
}

void find_os_release(Service& service, const std::string& name, const OnFields& done) {
    const RegisteredMachine& machine = service.registry.get(name);
    const auto give = [done](const std::string& text) {
        const auto fields = parse_os_release(text).value_or(std::map<std::string, std::string>{});
        done(&fields, nullptr);
    };
    if (machine.is_host) {
        const auto text = read_file_if_exists("/etc/os-release");
        return give(text ? *text : read_file("/usr/lib/os-release"));
    }
    service.errands.run(machine, {.kind = ErrandKind::read, .words = {"/etc/os-release", "/usr/lib/os-release"}},
                        {.patience = patience}, [done, give](const ErrandAnswer* answered, const Failure* failure) {
                            if (failure != nullptr)
                                return done(nullptr, failure);
                            give(answered->text);
                        });
}

void attach_facts(Interfaces& interfaces, Service& service) {
    attach_verb(interfaces, service, "GetMachineAddresses", "GetAddresses",
                [&service](const Call& call, const std::string& name) { get_addresses(service, call, name); });
    attach_verb(interfaces, service, "GetMachineOSRelease", "GetOSRelease",
                [&service](const Call& call, const std::string& name) { get_os_release(service, call, name); });
    attach_verb(interfaces, service, "GetMachineUIDShift", "GetUIDShift",
                [&service](const Call& call, const std::string& name) { get_uid_shift(service, call, name); });
    for (const Kind& kind : kinds) {
        interfaces.manager.method(kind.map_from, [&](const Call& call) { map_from(service, call, kind); });
        interfaces.manager.method(kind.map_to, [&](const Call& call) { map_to(service, call, kind); });
    }
}

} // namespace machinist
