// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scope/machine_listing.hpp"

#include "base/failure.hpp"
#include "base/machine_id.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

namespace machinist {

namespace {

constexpr const char* machine1 = "org.freedesktop.machine1";
constexpr const char* machine_interface = "org.freedesktop.machine1.Machine";
constexpr int most_tries = 50;
constexpr auto between_tries = std::chrono::milliseconds{20};

Member manager_method(const char* name) {
    return {.destination = machine1,
            .path = "/org/freedesktop/machine1",
            .interface = "org.freedesktop.machine1.Manager",
            .name = name};
}

BusMessage registration(const SystemBus& bus, const UnitOrder& order) {
    BusMessage call = bus.new_call(manager_method("RegisterMachineWithNetwork"));
    sd_bus_message* message = call.get();
    must(sd_bus_message_append(message, "s", order.name.c_str()), "write a registration");
    const auto id = MachineId::parse(order.id);
    must(sd_bus_message_append_array(message, 'y', id->bytes().data(), id->bytes().size()), "write a registration");
    must(sd_bus_message_append(message, "ssus", order.service.c_str(), "container",
                               static_cast<std::uint32_t>(order.leader), order.root.c_str()),
         "write a registration");
    must(sd_bus_message_append_array(message, 'i', order.network_interfaces.data(),
                                     order.network_interfaces.size() * sizeof(int)),
         "write a registration");
    return call;
}

// The line of cgroup v2 in a process' membership; "" if there is no such process.
std::string group_of(pid_t pid) {
    std::ifstream file{"/proc/" + std::to_string(pid) + "/cgroup"};
    std::string line;
    while (std::getline(file, line))
        if (line.starts_with("0::"))
            return line;
    return {};
}

// A dead process that nobody has waited for yet is in no group but the root's.
bool has_ended(pid_t pid) {
    std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
    std::ostringstream text;
    text << file.rdbuf();
    const std::size_t name_end = text.str().rfind(')');
    return name_end == std::string::npos || text.str().substr(name_end).starts_with(") Z") ||
           text.str().substr(name_end).starts_with(") X");
}

// Of a machine in unit X, "0::/machine.slice/X/payload/init.scope": what comes before the payload's part.
std::string unit_part(const std::string& group) {
    return group.substr(0, group.find("/payload"));
}

bool may_be_replaced(const SystemBus& bus, const UnitOrder& order) {
    const BusMessage get = bus.new_call(manager_method("GetMachine"));
    must(sd_bus_message_append(get.get(), "s", order.name.c_str()), "write a message");
    const BusReply reply = bus.call(get);
    const char* path = nullptr;
    if (!reply.message || sd_bus_message_read(reply.message.get(), "o", &path) < 0)
        return true; // gone meanwhile
    const auto leader = bus.number_property({machine1, path, machine_interface, "Leader"});
    if (!leader)
        return true;
    const auto other = static_cast<pid_t>(*leader);
    if (has_ended(other))
        return true;
    // In one unit is one machine: what it was before is over.
    return other != order.leader && unit_part(group_of(other)) == unit_part(group_of(order.leader)) &&
           group_of(other).find("/payload") != std::string::npos;
}

} // namespace

void list_machine(const SystemBus& bus, const UnitOrder& order) {
    for (int tries = 0;; ++tries) {
        const BusReply reply = bus.call(registration(bus, order));
        if (reply.message)
            return;
        const std::string doing = "register machine '" + order.name + "'";
        if (reply.refused != "org.freedesktop.machine1.MachineExists")
            throw Failure{FailureKind::system,
                          doing + ": " + (reply.reason.empty() ? strerrordesc_np(reply.error_number) : reply.reason)};
        if (tries == most_tries || !may_be_replaced(bus, order))
            throw Failure{FailureKind::already_exists, "machine '" + order.name + "' already exists"}.try_instead(
                "another --machine=NAME");
        unlist_machine(bus, order.name);
        if (tries > 0)
            std::this_thread::sleep_for(between_tries);
    }
}

void unlist_machine(const SystemBus& bus, const std::string& name) {
    const BusMessage message = bus.new_call(manager_method("UnregisterMachine"));
    must(sd_bus_message_append(message.get(), "s", name.c_str()), "write a message");
    (void)bus.call(message);
}

} // namespace machinist
