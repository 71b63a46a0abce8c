// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scope/unit_devices.hpp"

#include "base/failure.hpp"

namespace machinist {

namespace {

constexpr const char* systemd = "org.freedesktop.systemd1";
constexpr const char* message_of_ours = "write a message to systemd";

Member manager_method(const char* name) {
    return {systemd, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", name};
}

std::string object_of(const SystemBus& bus, const std::string& unit) {
    const BusMessage call = bus.new_call(manager_method("GetUnit"));
    must(sd_bus_message_append(call.get(), "s", unit.c_str()), message_of_ours);
    const BusMessage answer = bus.must_call(call, "ask systemd for unit '" + unit + "'");
    const char* path = nullptr;
    must(sd_bus_message_read(answer.get(), "o", &path), "read systemd's answer");
    return path;
}

void append_devices(sd_bus_message* message, const std::map<std::string, std::string>& allowed) {
    // Without any before them they would be added to those that are there.
    must(sd_bus_message_append(message, "(sv)", "DeviceAllow", "a(ss)", 0), message_of_ours);
    if (allowed.empty())
        return;
    must(sd_bus_message_open_container(message, 'r', "sv"), message_of_ours);
    must(sd_bus_message_append(message, "s", "DeviceAllow"), message_of_ours);
    must(sd_bus_message_open_container(message, 'v', "a(ss)"), message_of_ours);
    must(sd_bus_message_open_container(message, 'a', "(ss)"), message_of_ours);
    for (const auto& [path, access] : allowed)
        must(sd_bus_message_append(message, "(ss)", path.c_str(), access.c_str()), message_of_ours);
    for (int container = 0; container < 3; ++container)
        must(sd_bus_message_close_container(message), message_of_ours);
}

} // namespace

UnitDevices read_unit_devices(const SystemBus& bus, const std::string& unit) {
    const std::string object = object_of(bus, unit);
    const char* interface =
        unit.ends_with(".scope") ? "org.freedesktop.systemd1.Scope" : "org.freedesktop.systemd1.Service";
    UnitDevices devices;
    devices.all_if_empty = bus.text_property({systemd, object.c_str(), interface, "DevicePolicy"}) == "auto";
    const BusMessage call = bus.new_call({systemd, object.c_str(), "org.freedesktop.DBus.Properties", "Get"});
    must(sd_bus_message_append(call.get(), "ss", interface, "DeviceAllow"), message_of_ours);
    const BusMessage answer = bus.must_call(call, "ask systemd for the devices of unit '" + unit + "'");
    must(sd_bus_message_enter_container(answer.get(), 'v', "a(ss)"), "read systemd's answer");
    must(sd_bus_message_enter_container(answer.get(), 'a', "(ss)"), "read systemd's answer");
    const char* path = nullptr;
    const char* access = nullptr;
    int found = 0;
    while ((found = sd_bus_message_read(answer.get(), "(ss)", &path, &access)) > 0)
        devices.allowed[path] = access;
    must(found, "read systemd's answer");
    return devices;
}

void write_unit_devices(const SystemBus& bus, const std::string& unit, const UnitDevices& devices) {
    const BusMessage call = bus.new_call(manager_method("SetUnitProperties"));
    must(sd_bus_message_append(call.get(), "sb", unit.c_str(), 1), message_of_ours);
    must(sd_bus_message_open_container(call.get(), 'a', "(sv)"), message_of_ours);
    if (devices.all_if_empty)
        must(sd_bus_message_append(call.get(), "(sv)", "DevicePolicy", "s", "closed"), message_of_ours);
    append_devices(call.get(), devices.allowed);
    must(sd_bus_message_close_container(call.get()), message_of_ours);
    (void)bus.must_call(call, "have systemd change the devices of unit '" + unit + "'");
}

} // namespace machinist
