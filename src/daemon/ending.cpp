// SPDX-License-Identifier: LGPL-2.1-or-later
// Members that end machines, and what their registrants told about reaching them.
#include "base/failure.hpp"
#include "daemon/interfaces.hpp"

namespace machinist {

void attach_ending(Interfaces& interfaces, Service& service) {
    attach_verb(interfaces, service, "TerminateMachine", "Terminate",
                [&service](const Call& call, const std::string& name) {
                    when_allowed(service, call,
                                 {.action = manage_machines, .verb = "terminate", .machine = name, .owner_may = true},
                                 [=, &service] { service.registry.terminate(name, replying(call)); });
                });
    attach_verb(interfaces, service, "KillMachine", "Kill", [&service](const Call& call, const std::string& name) {
        const auto whom = call.take<std::string>();
        const auto signal = call.take<std::int32_t>();
        when_allowed(service, call, {.action = manage_machines, .verb = "kill", .machine = name, .owner_may = true},
                     [=, &service] { service.registry.kill(name, whom, signal, replying(call)); });
    });
    attach_verb(
        interfaces, service, "GetMachineSSHInfo", "GetSSHInfo", [&service](const Call& call, const std::string& name) {
            const MachineRecord& record = service.registry.get(name).record;
            if (record.ssh_address.empty())
                throw Failure{FailureKind::not_supported, "machine '" + name + "' has no SSH server that was told of"};
            call.reply(record.ssh_address, record.ssh_private_key_path);
        });
}

} // namespace machinist
