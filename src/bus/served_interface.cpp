// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/served_interface.hpp"

#include "bus/bus_error.hpp"
#include "bus/log.hpp"

#include <systemd/sd-bus-vtable.h>

namespace machinist {

namespace {

std::uint64_t flags_of(const Member& member) {
    // Who may is decided by the bus policy and by the authority, not by capabilities of the caller.
    std::uint64_t flags = member.kind == MemberKind::method ? std::uint64_t{SD_BUS_VTABLE_UNPRIVILEGED} : 0;
    if (member.hidden)
        flags |= SD_BUS_VTABLE_HIDDEN;
    if (member.kind != MemberKind::property)
        return flags;
    switch (member.emits) {
    case Emits::never_changes: return flags | SD_BUS_VTABLE_PROPERTY_CONST;
    case Emits::value: return flags | SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE;
    case Emits::invalidation: return flags | SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION;
    case Emits::nothing: return flags;
    }
    return flags;
}

} // namespace

const Member& ServedInterface::member(MemberKind kind, std::string_view name) const {
    for (const Member& member : contract_.members)
        if (member.kind == kind && name == member.name)
            return member;
    throw Failure{FailureKind::internal,
                  std::string{contract_.name} + " has no '" + std::string{name} + "' in its contract"};
}

void ServedInterface::method(std::string_view name, Handler handler) {
    methods_.insert_or_assign(
        std::string{name},
        Entry{.member = &member(MemberKind::method, name), .handler = std::move(handler), .write = {}, .take = {}});
}

void ServedInterface::add_property(std::string_view name, std::string_view signature, PropertyWriter writer) {
    const Member& described = member(MemberKind::property, name);
    if (signature != described.out)
        throw Failure{FailureKind::internal, std::string{contract_.name} + "." + std::string{name} + " is '" +
                                                 described.out + "' in its contract"};
    properties_.insert_or_assign(std::string{name},
                                 Entry{.member = &described, .handler = {}, .write = std::move(writer), .take = {}});
}

void ServedInterface::make_table() {
    table_.clear();
    sd_bus_vtable row{};
    row.type = _SD_BUS_VTABLE_START;
    row.x.start = {sizeof(sd_bus_vtable), _SD_BUS_VTABLE_PARAM_NAMES, &sd_bus_object_vtable_format};
    table_.push_back(row);
    for (const Member& member : contract_.members) {
        row = {};
        row.flags = flags_of(member);
        switch (member.kind) {
        case MemberKind::method:
            row.type = _SD_BUS_VTABLE_METHOD;
            row.x.method = {member.name, member.in, member.out, on_call, 0, member.names};
            break;
        case MemberKind::signal:
            row.type = _SD_BUS_VTABLE_SIGNAL;
            row.x.signal = {member.name, member.out, member.names};
            break;
        case MemberKind::property:
            if (const auto found = properties_.find(std::string_view{member.name});
                found == properties_.end() || (member.writable && !found->second.take))
                throw Failure{FailureKind::internal, std::string{contract_.name} + "." + member.name +
                                                         " is promised and has no reader or no writer"};
            row.type = member.writable ? _SD_BUS_VTABLE_WRITABLE_PROPERTY : _SD_BUS_VTABLE_PROPERTY;
            row.x.property = {member.name, member.out, on_property, member.writable ? on_set : nullptr, 0};
            break;
        }
        table_.push_back(row);
    }
    row = {};
    row.type = _SD_BUS_VTABLE_END;
    table_.push_back(row);
}

void ServedInterface::serve_at(sd_bus* bus, const std::string& path) {
    make_table();
    sd_bus_slot* slot = nullptr;
    wire::written(sd_bus_add_object_vtable(bus, &slot, path.c_str(), contract_.name, table_.data(), this));
    served_.emplace_back(slot);
}

void ServedInterface::serve_below(sd_bus* bus, const std::string& prefix, Exists exists) {
    make_table();
    exists_ = std::move(exists);
    sd_bus_slot* slot = nullptr;
    wire::written(sd_bus_add_fallback_vtable(bus, &slot, prefix.c_str(), contract_.name, table_.data(), on_find, this));
    served_.emplace_back(slot);
}

int ServedInterface::on_call(sd_bus_message* message, void* data, sd_bus_error*) {
    const auto& self = *static_cast<ServedInterface*>(data);
    try {
        const Call call{message};
        answer(call, [&] {
            const auto found = self.methods_.find(std::string_view{call.member()});
            if (found == self.methods_.end())
                throw Failure{FailureKind::not_supported, std::string{call.member()} + " is not supported"};
            found->second.handler(call);
        });
    } catch (const std::exception& broken) {
        log_error(broken.what());
    }
    return 1;
}

template <std::invocable Body>
int ServedInterface::guarded(sd_bus_error* error, Body&& body) {
    try {
        body();
        return 0;
    } catch (const Failure& failure) {
        const BusError told = bus_error_of(failure);
        return sd_bus_error_set(error, told.name.c_str(), told.sentence.c_str());
    } catch (const std::exception& broken) {
        log_error(broken.what());
        return sd_bus_error_set(error, SD_BUS_ERROR_FAILED, "the service failed inside");
    }
}

int ServedInterface::on_property(sd_bus*, const char* path, const char*, const char* property, sd_bus_message* to,
                                 void* data, sd_bus_error* error) {
    const auto& self = *static_cast<ServedInterface*>(data);
    return guarded(error, [&] { self.properties_.find(std::string_view{property})->second.write(path, to); });
}

int ServedInterface::on_set(sd_bus*, const char*, const char*, const char* property, sd_bus_message* value, void* data,
                            sd_bus_error* error) {
    const auto& self = *static_cast<ServedInterface*>(data);
    return guarded(error, [&] { self.properties_.find(std::string_view{property})->second.take(value); });
}

int ServedInterface::on_find(sd_bus*, const char* path, const char*, void* data, void** found, sd_bus_error*) {
    const auto& self = *static_cast<ServedInterface*>(data);
    try {
        if (!self.exists_(path))
            return 0;
    } catch (const std::exception& broken) {
        log_error(broken.what());
        return 0;
    }
    *found = data;
    return 1;
}

} // namespace machinist
