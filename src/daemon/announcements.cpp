// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/announcements.hpp"

#include "bus/log.hpp"
#include "daemon/boot_watch.hpp"
#include "daemon/object_paths.hpp"

namespace machinist {

namespace {

constexpr const char* manager = "org.freedesktop.machine1.Manager";
constexpr const char* machine_interface = "org.freedesktop.machine1.Machine";

void told(int result, const char* what) {
    if (result < 0 && result != -ENOTCONN)
        log_warning(std::string{"the bus was not told that "} + what);
}

// Where another service is asked for machines by their old name, it must know ours, too.
void tell_provider(Connection& bus, const RegisteredMachine& machine) {
    const MachineRecord& record = machine.record;
    const auto fill = [&](sd_bus_message* message) {
        wire::put(message, machine.name());
        wire::put(message, record.id ? std::vector<std::uint8_t>{record.id->bytes().begin(), record.id->bytes().end()}
                                     : std::vector<std::uint8_t>{});
        wire::put(message, record.service);
        wire::put(message, record.machine_class);
        wire::put(message, static_cast<std::uint32_t>(record.leader));
        wire::put(message, record.root);
        wire::put(message,
                  std::vector<std::int32_t>{record.network_interfaces.begin(), record.network_interfaces.end()});
    };
    bus.call({"org.freedesktop.machine1", manager_path, manager, "RegisterMachineWithNetwork"}, fill,
             [name = machine.name()](const Answer& answer) {
                 if (answer.failed())
                     log_warning(answer.failure("register machine '" + name + "' with the other provider").what());
             });
}

void tell_provider_to_forget(Connection& bus, const RegisteredMachine& machine) {
    bus.call(
        {"org.freedesktop.machine1", manager_path, manager, "UnregisterMachine"},
        [&](sd_bus_message* message) { wire::put(message, machine.name()); }, [](const Answer&) {});
}

} // namespace

void announce_machines(Service& service, BootWatch& boot) {
    sd_bus* bus = service.bus.raw();
    service.registry.announce_to({
        .added =
            [bus, &service, &boot](const RegisteredMachine& machine) {
                boot.added(machine);
                if (!service.is_provider)
                    tell_provider(service.bus, machine);
                const std::string path = path_of_machine(machine.name());
                told(sd_bus_emit_object_added(bus, path.c_str()), "an object is there");
                told(sd_bus_emit_signal(bus, manager_path, manager, "MachineNew", "so", machine.name().c_str(),
                                        path.c_str()),
                     "a machine is there");
            },
        .adopted = [&boot](const RegisteredMachine& machine) { boot.added(machine); },
        .removed =
            [bus, &service, &boot](const RegisteredMachine& machine) {
                boot.removed(machine);
                service.errands.machine_gone(machine.name());
                if (!service.is_provider && machine.leader.alive())
                    tell_provider_to_forget(service.bus, machine);
                const std::string path = path_of_machine(machine.name());
                told(sd_bus_emit_signal(bus, manager_path, manager, "MachineRemoved", "so", machine.name().c_str(),
                                        path.c_str()),
                     "a machine is gone");
                told(sd_bus_emit_interfaces_removed(bus, path.c_str(), machine_interface, "io.machinist.Machine1",
                                                    static_cast<const char*>(nullptr)),
                     "an object is gone");
            },
        .state_changed =
            [bus](const RegisteredMachine& machine) {
                told(sd_bus_emit_properties_changed(bus, path_of_machine(machine.name()).c_str(), machine_interface,
                                                    "State", static_cast<const char*>(nullptr)),
                     "a state changed");
            },
    });
}

} // namespace machinist
