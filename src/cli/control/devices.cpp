// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices of the host that machines have: listed, added, removed while they run.
#include "base/failure.hpp"
#include "base/text.hpp"
#include "cli/control/ask_service.hpp"
#include "cli/control/service_client.hpp"
#include "cli/control/table.hpp"
#include "cli/control/verbs.hpp"
#include "registry/running_errand.hpp"
#include "spec/device_text.hpp"

namespace machinist {

namespace {

std::vector<DeviceSpec> parse_devices(const Invocation& call) {
    std::vector<DeviceSpec> devices;
    for (std::size_t at = 2; at < call.words.size(); ++at) {
        auto device = parse_device(call.words[at]);
        if (!device)
            throw Failure{FailureKind::invalid, "'" + escaped_for_people(call.words[at]) + "' is no path below /dev"}
                .try_instead("for example /dev/fuse or /dev/sdb:r");
        devices.push_back(std::move(*device));
    }
    if (devices.empty())
        throw Failure{FailureKind::usage, "'device " + call.words[0] + "' needs devices"}.try_instead(
            "'machinist device " + call.words[0] + " " + call.words[1] + " /dev/sdb'");
    return devices;
}

void have_them_changed(const Invocation& call, const std::string& name, const std::vector<DeviceSpec>& devices,
                       bool adds) {
    ServiceClient client{call};
    client.let_person_be_asked();
    const std::string object = client.object_of(name);
    for (const DeviceSpec& device : devices)
        client.ask({our_service, object.c_str(), our_machine, adds ? "AddDevice" : "RemoveDevice"},
                   [&](sd_bus_message* message) {
                       wire::put(message, device.path.string());
                       if (adds)
                           wire::put(message, device.access);
                   });
}

int list_devices_of_machines(const Invocation& call, const MachineStore& machines) {
    std::vector<Machine> wanted;
    for (std::size_t at = 1; at < call.words.size(); ++at)
        wanted.push_back(machines.get(call.words[at]));
    if (call.words.size() == 1)
        wanted = machines.list();
    Table table{{"MACHINE", "DEVICE", "ACCESS"}};
    for (const Machine& machine : wanted)
        if (machine.spec)
            for (const DeviceSpec& device : machine.spec->devices)
                table.add({machine.name(), escaped_for_people(device.path.string()), device.access});
    table.print(call, "devices");
    return 0;
}

} // namespace

int handle_devices(const Invocation& call, const MachineStore& machines) {
    const std::string& what = call.words[0];
    if (what == "list")
        return list_devices_of_machines(call, machines);
    if (what != "add" && what != "remove")
        throw Failure{FailureKind::usage, "'device " + what + "' is no verb"}.try_instead("list, add or remove");
    if (call.words.size() < 2)
        throw Failure{FailureKind::usage, "'device " + what + "' needs a machine and devices"};
    const auto devices = parse_devices(call);
    const std::string& name = call.words[1];
    if (asks_service(call)) {
        have_them_changed(call, name, devices, what == "add");
        return 0;
    }
    for (const DeviceSpec& device : devices)
        (void)start_program_errand("machinist-device",
                                   {what + "-device", name, device.path.string() + ":" + device.access})
            .finish();
    return 0;
}

} // namespace machinist
