// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fake_systemd.hpp"

#include "base/failure.hpp"
#include "kernel/pidfd.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>

namespace machinist::testing {

namespace {

constexpr Member manager_members[] = {
    {.kind = MemberKind::method, .name = "Subscribe"},
    {.kind = MemberKind::method, .name = "StartTransientUnit", .in = "ssa(sv)a(sa(sv))", .out = "o"},
    {.kind = MemberKind::method, .name = "StartUnit", .in = "ss", .out = "o"},
    {.kind = MemberKind::method, .name = "StopUnit", .in = "ss", .out = "o"},
    {.kind = MemberKind::method, .name = "KillUnit", .in = "ssi"},
    {.kind = MemberKind::method, .name = "KillUnitSubgroup", .in = "sssi"},
    {.kind = MemberKind::method, .name = "ResetFailedUnit", .in = "s"},
};
const InterfaceContract manager_contract{"org.freedesktop.systemd1.Manager", manager_members};
constexpr const char* path = "/org/freedesktop/systemd1";

pid_t process_of(const UniqueFd& pidfd) {
    const auto process = Pidfd::adopt(UniqueFd{::fcntl(pidfd.get(), F_DUPFD_CLOEXEC, 3)});
    return process ? process->pid() : 0;
}

} // namespace

FakeSystemd::FakeSystemd(std::unique_ptr<Connection> bus) : bus_(std::move(bus)), manager_(manager_contract) {
    manager_.method("Subscribe", [this](const Call& call) {
        ++subscriptions;
        call.reply();
    });
    manager_.method("StartTransientUnit", [this](const Call& call) { start(call); });
    manager_.method("StartUnit", [this](const Call& call) {
        const auto unit = call.take<std::string>();
        started.push_back(unit);
        if (refuse_start) {
            call.fail_as(refuse_start->first, refuse_start->second);
            return;
        }
        begin_job(call, unit);
    });
    manager_.method("StopUnit", [this](const Call& call) {
        const auto unit = call.take<std::string>();
        if (!scopes.contains(unit)) {
            call.fail_as("org.freedesktop.systemd1.NoSuchUnit", "Unit " + unit + " not loaded.");
            return;
        }
        stopped.push_back(unit);
        call.reply(ObjectPath{std::string{path} + "/job/1"});
        tell_stopping(unit);
    });
    manager_.method("KillUnit", [this](const Call& call) {
        const auto unit = call.take<std::string>();
        (void)call.take<std::string>();
        killed.push_back(unit + "  " + std::to_string(call.take<std::int32_t>()));
        call.reply();
    });
    manager_.method("KillUnitSubgroup", [this](const Call& call) {
        const auto unit = call.take<std::string>();
        (void)call.take<std::string>();
        const auto subgroup = call.take<std::string>();
        killed.push_back(unit + " " + subgroup + " " + std::to_string(call.take<std::int32_t>()));
        call.reply();
    });
    manager_.method("ResetFailedUnit", [this](const Call& call) {
        failed.erase(call.take<std::string>());
        call.reply();
    });
    manager_.serve_at(bus_->raw(), path);
    (void)bus_->take_name("org.freedesktop.systemd1", false);
}

void FakeSystemd::start(const Call& call) {
    const auto unit = call.take<std::string>();
    (void)call.take<std::string>();
    Scope scope;
    sd_bus_message* message = call.message();
    wire::read(sd_bus_message_enter_container(message, 'a', "(sv)"));
    while (sd_bus_message_at_end(message, 0) == 0) {
        wire::read(sd_bus_message_enter_container(message, 'r', "sv"));
        const auto name = call.take<std::string>();
        if (name == "PIDFDs" && is_old) {
            call.fail_as("org.freedesktop.DBus.Error.PropertyReadOnly",
                         "Cannot set property PIDFDs, or unknown property.");
            return;
        }
        if (name == "PIDFDs") {
            wire::read(sd_bus_message_enter_container(message, 'v', "ah"));
            for (const SharedFd& pidfd : call.take<std::vector<SharedFd>>())
                scope.processes.push_back(process_of(*pidfd));
            wire::read(sd_bus_message_exit_container(message));
        } else if (name == "PIDs") {
            wire::read(sd_bus_message_enter_container(message, 'v', "au"));
            for (const std::uint32_t process : call.take<std::vector<std::uint32_t>>())
                scope.processes.push_back(static_cast<pid_t>(process));
            wire::read(sd_bus_message_exit_container(message));
        } else {
            scope.properties.insert_or_assign(name, call.take<Variant>());
        }
        wire::read(sd_bus_message_exit_container(message));
    }
    if (refuse_start) {
        call.fail_as(refuse_start->first, refuse_start->second);
        return;
    }
    if (scopes.contains(unit) || failed.contains(unit)) {
        call.fail_as("org.freedesktop.systemd1.UnitExists", "Unit " + unit + " was already loaded.");
        return;
    }
    scopes.emplace(unit, std::move(scope));
    begin_job(call, unit);
}

void FakeSystemd::begin_job(const Call& call, const std::string& unit) {
    const std::string job = std::string{path} + "/job/" + std::to_string(++last_job_);
    if (is_hasty)
        end_job(job, unit);
    call.reply(ObjectPath{job});
    if (holds_jobs)
        held_.emplace_back(job, unit);
    else if (!is_hasty)
        end_job(job, unit);
}

void FakeSystemd::end_job(const std::string& job, const std::string& unit) {
    if (result != "done")
        scopes.erase(unit);
    (void)sd_bus_emit_signal(bus_->raw(), path, "org.freedesktop.systemd1.Manager", "JobRemoved", "uoss", 1U,
                             job.c_str(), unit.c_str(), result.c_str());
}

void FakeSystemd::finish_jobs() {
    for (const auto& [job, unit] : std::exchange(held_, {}))
        end_job(job, unit);
}

void FakeSystemd::tell_stopping(const std::string& unit) {
    char* object = nullptr;
    wire::written(sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit.c_str(), &object));
    const std::unique_ptr<char, decltype(&std::free)> owner{object, std::free};
    (void)sd_bus_emit_signal(bus_->raw(), object, "org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as",
                             "org.freedesktop.systemd1.Unit", 1, "ActiveState", "s", "deactivating", 0);
}

void FakeSystemd::tell_gone(const std::string& unit) {
    scopes.erase(unit);
    (void)sd_bus_emit_signal(bus_->raw(), path, "org.freedesktop.systemd1.Manager", "UnitRemoved", "so", unit.c_str(),
                             "/org/freedesktop/systemd1/unit/x");
}

} // namespace machinist::testing
