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

} // namespace

void announce_machines(Service& service, BootWatch& boot) {
    sd_bus* bus = service.bus.raw();
    service.registry.announce_to({
        .added =
            [bus, &boot](const RegisteredMachine& machine) {
                boot.added(machine);
                const std::string path = path_of_machine(machine.name());
                told(sd_bus_emit_object_added(bus, path.c_str()), "an object is there");
                told(sd_bus_emit_signal(bus, manager_path, manager, "MachineNew", "so", machine.name().c_str(),
                                        path.c_str()),
                     "a machine is there");
            },
        .removed =
            [bus, &boot](const RegisteredMachine& machine) {
                boot.removed(machine);
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
