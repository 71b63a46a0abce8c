// SPDX-License-Identifier: LGPL-2.1-or-later
// Members about ports of the host that lead into machines.
#include "base/failure.hpp"
#include "daemon/errands.hpp"
#include "daemon/interfaces.hpp"
#include "registry/machine_ports.hpp"
#include "spec/port_forward.hpp"

namespace machinist {

namespace {

constexpr std::chrono::seconds patience{25};

PortForward take_port(const Call& call) {
    const auto protocol = call.take<std::string>();
    PortForward port;
    port.host_port = call.take<std::uint16_t>();
    port.machine_port = call.take<std::uint16_t>();
    port.count = call.take<std::uint16_t>();
    const auto known = value_named(port_protocol_names, protocol);
    port.protocol = known.value_or(PortProtocol::tcp);
    // What is read again from its text is within its bounds.
    if (!known || port.count == 0 || parse_port_forward(port_forward_text(port)) != port)
        throw Failure{FailureKind::invalid, "No such ports to forward"};
    return port;
}

void change(Service& service, const Call& call, const std::string& name, const char* what) {
    const PortForward port = take_port(call);
    when_allowed(service, call, {.action = manage_machines, .verb = what, .machine = name}, [=, &service] {
        const RegisteredMachine& registered = service.registry.get(name);
        const Machine machine = service.errands.machine_of(registered);
        if (!machine.spec)
            throw Failure{FailureKind::not_supported, "machine '" + name + "' is kept by another manager"};
        if (!machine.spec->network.is_private)
            throw Failure{FailureKind::no_own_network, "machine '" + name + "' uses the host's network"};
        service.errands.run(registered, "machinist-gateway",
                            {what, machine.run_directory.filename().string(), port_forward_text(port)},
                            {.patience = patience}, replying_when_done(call));
    });
}

} // namespace

void attach_ports(Interfaces& interfaces, Service& service) {
    attach_machine_verb(interfaces.machine1, service, "Ports", [&service](const Call& call, const std::string& name) {
        using Row = std::tuple<std::string, std::uint16_t, std::uint16_t, std::uint16_t>;
        std::vector<Row> rows;
        for (const PortForward& port : ports_of(service.errands.machine_of(service.registry.get(name))))
            rows.emplace_back(name_of(port_protocol_names, port.protocol), port.host_port, port.machine_port,
                              port.count);
        call.reply(rows);
    });
    attach_machine_verb(interfaces.machine1, service, "AddPort", [&service](const Call& call, const std::string& name) {
        change(service, call, name, "add-port");
    });
    attach_machine_verb(
        interfaces.machine1, service, "RemovePort",
        [&service](const Call& call, const std::string& name) { change(service, call, name, "remove-port"); });
}

} // namespace machinist
