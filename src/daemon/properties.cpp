// SPDX-License-Identifier: LGPL-2.1-or-later
// The properties of the manager's and the machines' objects, and the one call that gives all of them for all machines.
#include "base/failure.hpp"
#include "daemon/interfaces.hpp"
#include "machinist_config.h"

namespace machinist {

namespace {

using Read = Variant (*)(const RegisteredMachine&);

struct MachineProperty {
    const char* name;
    Read read;
};

std::vector<std::uint8_t> id_of(const RegisteredMachine& machine) {
    if (!machine.record.id)
        return {};
    const auto& bytes = machine.record.id->bytes();
    return {bytes.begin(), bytes.end()};
}

std::vector<std::int32_t> interfaces_of(const RegisteredMachine& machine) {
    return {machine.record.network_interfaces.begin(), machine.record.network_interfaces.end()};
}

std::uint32_t number_of(pid_t process) {
    return static_cast<std::uint32_t>(process);
}

constexpr MachineProperty machine_properties[] = {
    {"Name", [](const RegisteredMachine& of) -> Variant { return of.name(); }},
    {"Id", [](const RegisteredMachine& of) -> Variant { return id_of(of); }},
    {"Timestamp", [](const RegisteredMachine& of) -> Variant { return std::uint64_t{of.record.realtime}; }},
    {"TimestampMonotonic", [](const RegisteredMachine& of) -> Variant { return std::uint64_t{of.record.monotonic}; }},
    {"Service", [](const RegisteredMachine& of) -> Variant { return of.record.service; }},
    {"Unit", [](const RegisteredMachine& of) -> Variant { return of.record.scope; }},
    {"Scope", [](const RegisteredMachine& of) -> Variant { return of.record.scope; }},
    {"Subgroup", [](const RegisteredMachine& of) -> Variant { return of.subgroup; }},
    {"Leader", [](const RegisteredMachine& of) -> Variant { return number_of(of.record.leader); }},
    {"LeaderPIDFDId", [](const RegisteredMachine& of) -> Variant { return std::uint64_t{of.record.leader_pidfd_id}; }},
    {"Supervisor", [](const RegisteredMachine& of) -> Variant { return number_of(of.record.supervisor); }},
    {"SupervisorPIDFDId",
     [](const RegisteredMachine& of) -> Variant { return std::uint64_t{of.record.supervisor_pidfd_id}; }},
    {"Class", [](const RegisteredMachine& of) -> Variant { return of.record.machine_class; }},
    {"RootDirectory", [](const RegisteredMachine& of) -> Variant { return of.record.root; }},
    {"NetworkInterfaces", [](const RegisteredMachine& of) -> Variant { return interfaces_of(of); }},
    {"VSockCID", [](const RegisteredMachine& of) -> Variant { return of.record.vsock_cid; }},
    {"SSHAddress", [](const RegisteredMachine& of) -> Variant { return of.record.ssh_address; }},
    {"SSHPrivateKeyPath", [](const RegisteredMachine& of) -> Variant { return of.record.ssh_private_key_path; }},
    {"State",
     [](const RegisteredMachine& of) -> Variant { return std::string{name_of(machine_state_names, of.state)}; }},
    {"UID", [](const RegisteredMachine& of) -> Variant { return of.record.uid; }},
};

constexpr MachineProperty machine1_properties[] = {
    {"Owner", [](const RegisteredMachine& of) -> Variant { return of.record.uid; }},
    {"RunDirectory", [](const RegisteredMachine& of) -> Variant { return of.record.run_directory; }},
};

template <std::size_t index = 1>
void attach_one(ServedInterface& interface, Service& service, const MachineProperty& property, const Variant& example) {
    if constexpr (index < std::variant_size_v<Variant>) {
        if (example.index() != index) {
            attach_one<index + 1>(interface, service, property, example);
            return;
        }
        using T = std::variant_alternative_t<index, Variant>;
        interface.property<T>(property.name, [&service, read = property.read](std::string_view path) {
            return std::get<T>(read(machine_at(service, path)));
        });
    }
}

} // namespace

void attach_properties(Interfaces& interfaces, Service& service) {
    // The type of each is what its reader gives, and the contract is held against it.
    const RegisteredMachine& example = service.registry.get(".host");
    for (const MachineProperty& property : machine_properties)
        attach_one(interfaces.machine, service, property, property.read(example));
    for (const MachineProperty& property : machine1_properties)
        attach_one(interfaces.machine1, service, property, property.read(example));

    interfaces.manager1.property<std::string>("Version", [](std::string_view) { return MACHINIST_VERSION; });
    interfaces.manager1.property<bool>("Provider", [&service](std::string_view) { return service.is_provider; });
    interfaces.manager1.property<std::uint32_t>("Machines", [&service](std::string_view) {
        return static_cast<std::uint32_t>(service.registry.machines().size());
    });
    interfaces.manager1.method("ListMachines", [&service](const Call& call) {
        std::vector<NamedValues> all;
        for (const auto& [name, machine] : service.registry.machines()) {
            NamedValues& values = all.emplace_back();
            for (const MachineProperty& property : machine_properties)
                values.emplace(property.name, property.read(*machine));
            for (const MachineProperty& property : machine1_properties)
                values.emplace(property.name, property.read(*machine));
        }
        call.reply(all);
    });
}

} // namespace machinist
