// SPDX-License-Identifier: LGPL-2.1-or-later
// Members about devices of the host that machines have.
#include "base/failure.hpp"
#include "daemon/errands.hpp"
#include "daemon/interfaces.hpp"
#include "spec/device_text.hpp"
#include "spec/errand.hpp"

namespace machinist {

namespace {

// Longer than machinist-device waits itself.
constexpr std::chrono::seconds patience{60};

DeviceSpec checked_device(const std::string& path, const std::string& access) {
    check_path_in_machine(path);
    const std::string wanted = access.empty() ? "rwm" : access;
    auto device = parse_device(path + ":" + wanted);
    // What is no access is taken for a part of the path.
    if (!device || device->access != wanted)
        throw Failure{FailureKind::invalid, "No path below /dev with any of r, w and m"};
    return std::move(*device);
}

void change(Service& service, const Call& call, const std::string& name, const char* what, const DeviceSpec& device) {
    when_allowed(service, call, {.action = manage_machines, .verb = what, .machine = name}, [=, &service] {
        const RegisteredMachine& registered = service.registry.get(name);
        if (!service.errands.machine_of(registered).spec)
            throw Failure{FailureKind::not_supported, "machine '" + name + "' is kept by another manager"};
        service.errands.run(registered, "machinist-device", {what, name, device.path.string() + ":" + device.access},
                            {.patience = patience}, replying_when_done(call));
    });
}

} // namespace

void attach_devices(Interfaces& interfaces, Service& service) {
    attach_machine_verb(interfaces.machine1, service, "Devices", [&service](const Call& call, const std::string& name) {
        std::vector<std::tuple<std::string, std::string>> rows;
        if (const auto spec = service.errands.machine_of(service.registry.get(name)).spec)
            for (const DeviceSpec& device : spec->devices)
                rows.emplace_back(device.path.string(), device.access);
        call.reply(rows);
    });
    attach_machine_verb(interfaces.machine1, service, "AddDevice",
                        [&service](const Call& call, const std::string& name) {
                            const auto path = call.take<std::string>();
                            const auto access = call.take<std::string>();
                            change(service, call, name, "add-device", checked_device(path, access));
                        });
    attach_machine_verb(interfaces.machine1, service, "RemoveDevice",
                        [&service](const Call& call, const std::string& name) {
                            change(service, call, name, "remove-device", checked_device(call.take<std::string>(), ""));
                        });
}

} // namespace machinist
