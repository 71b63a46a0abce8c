// SPDX-License-Identifier: LGPL-2.1-or-later
// An interface as its contract says, with a handler for each method and a reader for each property. One of these serves
// any number of objects: what a machine costs does not depend on how many members its interfaces have.
#pragma once

#include "bus/call.hpp"
#include "bus/connection.hpp"
#include "bus/interface_contract.hpp"

#include <concepts>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

class ServedInterface {
public:
    using Handler = std::function<void(Call)>;
    // Writes the property of the object at that path.
    using PropertyWriter = std::function<void(std::string_view path, sd_bus_message* answer)>;
    using Exists = std::function<bool(std::string_view path)>;

    explicit ServedInterface(const InterfaceContract& contract) : contract_(contract) {}
    ServedInterface(const ServedInterface&) = delete;
    ServedInterface& operator=(const ServedInterface&) = delete;

    // Throws Failure(internal) for names that are not in the contract. A method without a handler answers
    // NotSupported.
    void method(std::string_view name, Handler handler);
    template <typename T>
    void property(std::string_view name, std::function<T(std::string_view path)> read) {
        add_property(
            name, wire::signature_of<T>(),
            [read = std::move(read)](std::string_view path, sd_bus_message* to) { wire::put(to, read(path)); });
    }

    // What write throws is the answer.
    template <typename T>
    void writable_property(std::string_view name, std::function<T(std::string_view path)> read,
                           std::function<void(const T& value)> write) {
        property<T>(name, std::move(read));
        properties_.find(name)->second.take = [write = std::move(write)](sd_bus_message* from) {
            write(wire::get<T>(from));
        };
    }

    // Throws Failure(internal) if a property has no reader. For as long as this object lives.
    void serve_at(sd_bus* bus, const std::string& path);
    void serve_below(sd_bus* bus, const std::string& prefix, Exists exists);

    [[nodiscard]] const char* name() const {
        return contract_.name;
    }

private:
    struct Entry {
        const Member* member = nullptr;
        Handler handler;
        PropertyWriter write;
        std::function<void(sd_bus_message* from)> take;
    };
    void add_property(std::string_view name, std::string_view signature, PropertyWriter writer);
    const Member& member(MemberKind kind, std::string_view name) const;
    void make_table();

    template <std::invocable Body>
    static int guarded(sd_bus_error* error, Body&& body);
    static int on_call(sd_bus_message* message, void* data, sd_bus_error* error);
    static int on_property(sd_bus* bus, const char* path, const char* interface, const char* property,
                           sd_bus_message* answer, void* data, sd_bus_error* error);
    static int on_set(sd_bus* bus, const char* path, const char* interface, const char* property, sd_bus_message* value,
                      void* data, sd_bus_error* error);
    static int on_find(sd_bus* bus, const char* path, const char* interface, void* data, void** found,
                       sd_bus_error* error);

    const InterfaceContract& contract_;
    std::map<std::string, Entry, std::less<>> methods_;
    std::map<std::string, Entry, std::less<>> properties_;
    std::vector<sd_bus_vtable> table_;
    Exists exists_;
    std::vector<BusSlot> served_;
};

} // namespace machinist
