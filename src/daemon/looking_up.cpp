// SPDX-License-Identifier: LGPL-2.1-or-later
// Members that find machines: by name, by process, all of them.
#include "base/failure.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/object_paths.hpp"

#include <limits>

namespace machinist {

namespace {

void append_row(sd_bus_message* answer, const RegisteredMachine& machine) {
    wire::written(sd_bus_message_append(answer, "(ssso)", machine.name().c_str(), machine.record.machine_class.c_str(),
                                        machine.record.service.c_str(), path_of_machine(machine.name()).c_str()));
}

} // namespace

void attach_looking_up(Interfaces& interfaces, Service& service) {
    interfaces.manager.method("GetMachine", [&service](const Call& call) {
        call.reply(ObjectPath{path_of_machine(service.registry.get(call.take<std::string>()).name())});
    });
    interfaces.manager.method("GetMachineByPID", [&service](const Call& call) {
        const auto number = call.take<std::uint32_t>();
        if (number > static_cast<std::uint32_t>(std::numeric_limits<pid_t>::max()))
            throw Failure{FailureKind::invalid, "Invalid PID " + std::to_string(number)};
        const pid_t process = number == 0 ? call.caller().pid : static_cast<pid_t>(number);
        call.reply(ObjectPath{path_of_machine(service.registry.of_process(process).name())});
    });
    interfaces.manager.method("ListMachines", [&service](const Call& call) {
        call.reply_with([&](sd_bus_message* answer) {
            wire::written(sd_bus_message_open_container(answer, 'a', "(ssso)"));
            append_row(answer, service.registry.get(".host"));
            for (const auto& [name, machine] : service.registry.machines())
                append_row(answer, *machine);
            wire::written(sd_bus_message_close_container(answer));
        });
    });
}

} // namespace machinist
