// SPDX-License-Identifier: LGPL-2.1-or-later
// Ports of the host that lead into machines: listed, added, removed while they run.
#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "cli/control/ask_service.hpp"
#include "cli/control/service_client.hpp"
#include "cli/control/table.hpp"
#include "cli/control/verbs.hpp"
#include "network/gateway_client.hpp"
#include "registry/machine_ports.hpp"
#include "spec/port_forward.hpp"

#include <cstdio>

namespace machinist {

namespace {

std::vector<PortForward> parse_ports(const Invocation& call) {
    std::vector<PortForward> ports;
    for (std::size_t at = 2; at < call.words.size(); ++at) {
        const auto port = parse_port_forward(call.words[at]);
        if (!port)
            throw Failure{FailureKind::invalid, "'" + call.words[at] + "' is no port to forward"}.try_instead(
                "for example 8080:80, udp:53 or tcp:8000-8010:9000-9010");
        ports.push_back(*port);
    }
    if (ports.empty())
        throw Failure{FailureKind::usage, "'port " + call.words[0] + "' needs ports"}.try_instead(
            "'machinist port " + call.words[0] + " " + call.words[1] + " 8080:80'");
    return ports;
}

void refuse_host_network(const Machine& machine) {
    if (!machine.spec)
        throw Failure{FailureKind::not_supported, "machine '" + machine.name() + "' is kept by another manager"};
    if (!machine.spec->network.is_private)
        throw Failure{FailureKind::not_supported,
                      "machine '" + machine.name() + "' uses the host's network: its ports are the host's"};
}

void change_ourselves(const MachineStore& machines, const std::string& name, const std::vector<PortForward>& ports,
                      bool adds) {
    const Machine machine = machines.get(name);
    refuse_host_network(machine);
    const std::string key = machine.run_directory.filename().string();
    GatewayClient gateway = GatewayClient::connect_or_start(own_program("machinist-gateway"));
    for (const PortForward& port : ports)
        adds ? gateway.add_port(key, port) : gateway.remove_port(key, port);
}

void have_them_changed(const Invocation& call, const std::string& name, const std::vector<PortForward>& ports,
                       bool adds) {
    ServiceClient client{call};
    client.let_person_be_asked();
    const std::string object = client.object_of(name);
    for (const PortForward& port : ports)
        client.ask({our_service, object.c_str(), our_machine, adds ? "AddPort" : "RemovePort"},
                   [&](sd_bus_message* message) {
                       wire::put(message, std::string{name_of(port_protocol_names, port.protocol)});
                       wire::put(message, port.host_port);
                       wire::put(message, port.machine_port);
                       wire::put(message, port.count);
                   });
}

int list_ports(const Invocation& call, const MachineStore& machines) {
    std::vector<Machine> wanted;
    for (std::size_t at = 1; at < call.words.size(); ++at)
        wanted.push_back(machines.get(call.words[at]));
    if (call.words.size() == 1)
        wanted = machines.list();
    Table table{{"MACHINE", "PROTOCOL", "HOST", "PORT", "COUNT"}};
    for (const Machine& machine : wanted)
        for (const PortForward& port : ports_of(machine))
            table.add({machine.name(), std::string{name_of(port_protocol_names, port.protocol)},
                       std::to_string(port.host_port), std::to_string(port.machine_port), std::to_string(port.count)},
                      {"", "", std::to_string(port.host_port), std::to_string(port.machine_port),
                       std::to_string(port.count)});
    table.print(call, "ports");
    return 0;
}

} // namespace

int handle_ports(const Invocation& call, const MachineStore& machines) {
    const std::string& what = call.words[0];
    if (what == "list")
        return list_ports(call, machines);
    if (what != "add" && what != "remove")
        throw Failure{FailureKind::usage, "'port " + what + "' is no verb"}.try_instead("list, add or remove");
    if (call.words.size() < 2)
        throw Failure{FailureKind::usage, "'port " + what + "' needs a machine and ports"};
    const auto ports = parse_ports(call);
    if (asks_service(call))
        have_them_changed(call, call.words[1], ports, what == "add");
    else
        change_ourselves(machines, call.words[1], ports, what == "add");
    return 0;
}

} // namespace machinist
