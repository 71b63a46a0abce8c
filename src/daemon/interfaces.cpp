// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/interfaces.hpp"

#include "base/failure.hpp"
#include "bus/log.hpp"
#include "contract_tables.hpp"
#include "daemon/known_images.hpp"
#include "daemon/object_paths.hpp"
#include "registry/id_mapping.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace machinist {

namespace {

pid_t process_of_current_caller(sd_bus* bus) {
    sd_bus_message* current = sd_bus_get_current_message(bus);
    return current == nullptr ? 0 : Call::caller_of(current).pid;
}

// A list that sd-bus frees.
int give(const std::vector<std::string>& paths, char*** nodes) {
    auto** list = static_cast<char**>(std::calloc(paths.size() + 1, sizeof(char*)));
    if (list == nullptr)
        return -ENOMEM;
    std::size_t count = 0;
    for (const std::string& path : paths)
        list[count++] = ::strdup(path.c_str());
    *nodes = list;
    return 0;
}

int list_machines(sd_bus*, const char*, void* data, char*** nodes, sd_bus_error*) {
    const auto& service = *static_cast<const Service*>(data);
    std::vector<std::string> paths{path_of_machine(".host")};
    for (const auto& [name, machine] : service.registry.machines())
        paths.push_back(path_of_machine(name));
    return give(paths, nodes);
}

int list_images(sd_bus*, const char*, void* data, char*** nodes, sd_bus_error*) {
    std::vector<std::string> paths;
    try {
        for (const auto& [name, image] : static_cast<const Service*>(data)->images.all())
            paths.push_back(path_of_image(name));
    } catch (const Failure& failure) {
        log_warning(failure.what());
    }
    return give(paths, nodes);
}

} // namespace

Interfaces::Interfaces()
    : manager(contract::org_freedesktop_machine1_Manager),
      machine(contract::org_freedesktop_machine1_Machine),
      image(contract::org_freedesktop_machine1_Image),
      manager1(contract::io_machinist_Manager1),
      machine1(contract::io_machinist_Machine1),
      job1(contract::io_machinist_Job1),
      log_control(contract::org_freedesktop_LogControl1) {}

const RegisteredMachine& machine_at(const Service& service, std::string_view path) {
    if (path == own_machine_path)
        return service.registry.of_process(process_of_current_caller(service.bus.raw()));
    const auto name = machine_of_path(path);
    return service.registry.get(name ? *name : std::string{path});
}

void attach_verb(Interfaces& interfaces, Service& service, const char* in_manager, const char* in_machine,
                 MachineHandler handler) {
    interfaces.manager.method(in_manager, [handler](const Call& call) {
        const auto name = call.take<std::string>();
        handler(call, name);
    });
    attach_machine_verb(interfaces.machine, service, in_machine, std::move(handler));
}

void attach_machine_verb(ServedInterface& interface, Service& service, const char* member, MachineHandler handler) {
    interface.method(member, [&service, handler = std::move(handler)](const Call& call) {
        handler(call, machine_at(service, call.path()).name());
    });
}

bool has_own_users(const Service& service, const std::string& machine) {
    const RegisteredMachine* found = service.registry.find(machine);
    if (found == nullptr || found->is_host)
        return false;
    try {
        return !read_id_mappings(found->leader).are_the_hosts();
    } catch (const Failure&) {
        return false;
    }
}

void serve(Interfaces& interfaces, Service& service) {
    sd_bus* bus = service.bus.raw();
    const auto exists = [&service](std::string_view path) {
        try {
            (void)machine_at(service, path);
            return true;
        } catch (const Failure&) {
            return false;
        }
    };
    wire::written(sd_bus_add_object_manager(bus, nullptr, manager_path));
    wire::written(sd_bus_add_node_enumerator(bus, nullptr, machines_path, list_machines, &service));
    wire::written(sd_bus_add_node_enumerator(bus, nullptr, images_path, list_images, &service));
    interfaces.manager.serve_at(bus, manager_path);
    interfaces.manager1.serve_at(bus, manager_path);
    // What is served last is told first by GetAll of all interfaces, and so by machinectl.
    interfaces.machine1.serve_below(bus, machines_path, exists);
    interfaces.machine.serve_below(bus, machines_path, exists);
    interfaces.image.serve_below(bus, images_path, [&service](std::string_view path) {
        const auto name = image_of_path(path);
        return name && service.images.find(*name) != nullptr;
    });
    interfaces.log_control.serve_at(bus, "/org/freedesktop/LogControl1");
    interfaces.job1.serve_below(bus, jobs_path, interfaces.job_exists);
}

} // namespace machinist
