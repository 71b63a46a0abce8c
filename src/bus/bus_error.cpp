// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/bus_error.hpp"

#include "base/enum_names.hpp"
#include "base/text.hpp"

#include <cstring>

namespace machinist {

namespace {

constexpr EnumNames<FailureKind, 18> error_names{{
    {FailureKind::usage, "org.freedesktop.DBus.Error.InvalidArgs"},
    {FailureKind::invalid, "org.freedesktop.DBus.Error.InvalidArgs"},
    {FailureKind::not_found, "org.freedesktop.DBus.Error.FileNotFound"},
    {FailureKind::already_exists, "org.freedesktop.DBus.Error.FileExists"},
    {FailureKind::busy, "System.Error.EBUSY"},
    {FailureKind::not_permitted, "org.freedesktop.DBus.Error.AccessDenied"},
    {FailureKind::not_supported, "org.freedesktop.DBus.Error.NotSupported"},
    {FailureKind::timed_out, "org.freedesktop.DBus.Error.Timeout"},
    {FailureKind::too_many, "org.freedesktop.DBus.Error.LimitsExceeded"},
    {FailureKind::no_machine, "org.freedesktop.machine1.NoSuchMachine"},
    {FailureKind::machine_exists, "org.freedesktop.machine1.MachineExists"},
    {FailureKind::no_machine_of, "org.freedesktop.machine1.NoMachineForPID"},
    {FailureKind::no_own_network, "org.freedesktop.machine1.NoPrivateNetworking"},
    {FailureKind::no_user_mapping, "org.freedesktop.machine1.NoSuchUserMapping"},
    {FailureKind::no_group_mapping, "org.freedesktop.machine1.NoSuchGroupMapping"},
    {FailureKind::no_image, "org.freedesktop.machine1.NoSuchImage"},
    {FailureKind::hostile, "io.machinist.Error.Hostile"},
    {FailureKind::internal, "org.freedesktop.DBus.Error.Failed"},
}};

} // namespace

BusError bus_error_of(const Failure& failure) {
    // Sentences quote what callers and files say, which need not be text; the bus carries UTF-8 only.
    std::string sentence = is_utf8(failure.what()) ? failure.what() : escaped_for_people(failure.what());
    if (failure.kind() != FailureKind::system)
        return {std::string{name_of(error_names, failure.kind())}, std::move(sentence)};
    // An error name that is none makes the bus throw us out.
    const char* number = failure.error_number() == 0 ? nullptr : strerrorname_np(failure.error_number());
    return {number == nullptr ? "org.freedesktop.DBus.Error.Failed" : std::string{"System.Error."} + number,
            std::move(sentence)};
}

Failure failure_of(const BusError& error, std::string object) {
    FailureKind kind = FailureKind::system;
    for (const auto& [candidate, name] : error_names)
        if (candidate != FailureKind::usage && candidate != FailureKind::internal && name == error.name)
            kind = candidate;
    if (error.name == "org.freedesktop.systemd1.UnitExists")
        kind = FailureKind::already_exists;
    else if (error.name == "org.freedesktop.systemd1.NoSuchUnit")
        kind = FailureKind::not_found;
    else if (error.name == "org.freedesktop.DBus.Error.NoReply")
        kind = FailureKind::timed_out;
    if (error.sentence.empty())
        return Failure{kind, std::move(object) + ": " + error.name};
    return Failure{kind, std::move(object) + ": " + error.sentence};
}

} // namespace machinist
