// SPDX-License-Identifier: LGPL-2.1-or-later
// Members that begin jobs, and the jobs' own.
#include "registry/service/jobs.hpp"
#include "base/failure.hpp"
#include "base/machine_name.hpp"
#include "bus/log.hpp"
#include "bus/session_units.hpp"
#include "daemon/interfaces.hpp"
#include "daemon/object_paths.hpp"
#include "daemon/start_options.hpp"
#include "machinist_config.h"

namespace machinist {

namespace {

constexpr const char* job_interface = "io.machinist.Job1";
constexpr const char* our_manager = "io.machinist.Manager1";
constexpr std::size_t most_words = 4096;
// Options of a start can name any directory of the host: who may power machines off must not get it with that.
constexpr const char* start_action = "io.machinist.start-machine";

void told(int result) {
    if (result < 0 && result != -ENOTCONN)
        log_warning("the bus was not told of a job");
}

std::string state_of(const Job& job) {
    return std::string{name_of(job_state_names, job.state)};
}

// Throws Failure(invalid) for values of other types and unknown names.
Entry entry_of(std::vector<std::string> command, const NamedValues& options) {
    if (command.empty() || command.front().empty() || command.size() > most_words)
        throw Failure{FailureKind::invalid, "Invalid command"};
    Entry entry{.command = std::move(command)};
    for (const auto& [name, value] : options) {
        const auto wants = [&]<typename T>(const T*) -> const T& {
            const auto* held = std::get_if<T>(&value);
            if (held == nullptr)
                throw Failure{FailureKind::invalid, "Invalid type of option '" + name + "'"};
            return *held;
        };
        constexpr const std::string* text = nullptr;
        if (name == "User") {
            entry.user = wants(text);
        } else if (name == "WorkingDirectory") {
            entry.directory = wants(text);
        } else if (name == "Environment") {
            entry.environment = wants(static_cast<const std::vector<std::string>*>(nullptr));
        } else if (name == "TimeoutUSec") {
            entry.seconds = static_cast<double>(wants(static_cast<const std::uint64_t*>(nullptr))) / 1e6;
        } else if (name == "Terminal") {
            entry.pty = wants(static_cast<const bool*>(nullptr));
        } else {
            throw Failure{FailureKind::invalid, "Unknown option '" + name.substr(0, 64) + "'"};
        }
    }
    check_shell_unit({.user = {}, .program = {}, .arguments = entry.command, .environment = entry.environment});
    return entry;
}

void execute(Service& service, Jobs& jobs, const Call& call, const std::string& name) {
    auto command = call.take<std::vector<std::string>>();
    const auto options = call.take<NamedValues>();
    const auto streams = call.take<std::vector<SharedFd>>();
    if (streams.size() > 3)
        throw Failure{FailureKind::invalid, "Invalid number of streams"};
    const Entry entry = entry_of(std::move(command), options);
    when_allowed(service, call,
                 {.action = "org.freedesktop.machine1.shell",
                  .verb = "exec",
                  .machine = name,
                  .owner_may = has_own_users(service, name),
                  .details = {{"user", entry.user.value_or("root")}, {"program", entry.command.front()}}},
                 [=, &service, &jobs] {
                     const RegisteredMachine& machine = service.registry.get(name);
                     if (machine.is_host || machine.record.machine_class != "container")
                         throw Failure{FailureKind::not_supported, "machine '" + name + "' is no container"};
                     std::array<BorrowedFd, 3> given;
                     for (std::size_t at = 0; at < streams.size(); ++at)
                         given[at] = *streams[at];
                     const Job& job = jobs.execute(service.errands.machine_of(machine), entry, given, call.caller().uid,
                                                   service.errands.places());
                     call.reply(ObjectPath{path_of_job(job.record.id)});
                 });
}

void start_machine(Service& service, Jobs& jobs, const Call& call) {
    const auto name = call.take<std::string>();
    const auto options = call.take<NamedValues>();
    when_allowed(service, call, {.action = start_action, .verb = "start", .machine = name}, [=, &service, &jobs] {
        if (!MachineName::parse(name))
            throw Failure{FailureKind::invalid, "Invalid machine name"};
        if (service.registry.find(name) != nullptr)
            throw Failure{FailureKind::machine_exists, "Machine '" + name + "' already exists"};
        std::optional<std::vector<std::string>> command;
        if (!options.empty()) {
            command = run_arguments(name, options);
            command->insert(command->begin(), {MACHINIST_BIN "/machinist", "run"});
        }
        // The name is the instance as it is: the unit takes it by "%i", and machinectl starts it so.
        const std::string unit = (command ? "machinist-run@" : "machinist@") + name + ".service";
        const Job& job = jobs.start(name, unit, command, call.caller().uid);
        call.reply(ObjectPath{path_of_job(job.record.id)});
    });
}

void cancel(Service& service, Jobs& jobs, const Call& call, std::uint32_t id) {
    const Job& job = jobs.get(id);
    const auto go = [=, &jobs] {
        jobs.cancel(id);
        call.reply();
    };
    if (call.caller().uid == job.record.owner) {
        go();
        return;
    }
    if (job.record.kind == JobKind::transfer)
        when_allowed(service, call, {.action = "org.freedesktop.import1.cancel", .verb = "cancel"}, go);
    else
        when_allowed(service, call, {.action = manage_machines, .verb = "cancel", .machine = job.record.machine}, go);
}

void announce(Service& service, Jobs& jobs) {
    sd_bus* bus = service.bus.raw();
    jobs.announce_to(
        {.added =
             [bus](const Job& job) {
                 const std::string path = path_of_job(job.record.id);
                 told(sd_bus_emit_object_added(bus, path.c_str()));
                 told(sd_bus_emit_signal(bus, manager_path, our_manager, "JobNew", "uo", job.record.id, path.c_str()));
             },
         .finished =
             [bus](const Job& job) {
                 const std::string path = path_of_job(job.record.id);
                 told(sd_bus_emit_properties_changed(bus, path.c_str(), job_interface, "State", "Message", "ExitStatus",
                                                     "FinishTimestamp", "CPUUserUSec", "CPUSystemUSec", "MemoryPeak",
                                                     static_cast<const char*>(nullptr)));
                 told(sd_bus_emit_signal(bus, path.c_str(), job_interface, "Finished", "si", state_of(job).c_str(),
                                         job.result.status));
             },
         .removed =
             [bus](const Job& job) {
                 const std::string path = path_of_job(job.record.id);
                 told(sd_bus_emit_signal(bus, manager_path, our_manager, "JobRemoved", "uos", job.record.id,
                                         path.c_str(), state_of(job).c_str()));
                 told(sd_bus_emit_interfaces_removed(bus, path.c_str(), job_interface,
                                                     static_cast<const char*>(nullptr)));
             },
         .progressed =
             [bus](const Job& job) {
                 told(sd_bus_emit_properties_changed(bus, path_of_job(job.record.id).c_str(), job_interface, "Stage",
                                                     "Bytes", "TotalBytes", "BytesPerSecond", "TimeLeftUSec",
                                                     static_cast<const char*>(nullptr)));
             },
         .said = {}});
}

template <typename T>
void attach_property(Interfaces& interfaces, Jobs& jobs, const char* name, T (*read)(const Job&)) {
    interfaces.job1.property<T>(
        name, [&jobs, read](std::string_view path) { return read(jobs.get(job_of_path(path).value_or(0))); });
}

void attach_job_properties(Interfaces& interfaces, Jobs& jobs) {
    const auto text = [&](const char* name, std::string (*read)(const Job&)) {
        attach_property(interfaces, jobs, name, read);
    };
    const auto time = [&](const char* name, std::uint64_t (*read)(const Job&)) {
        attach_property(interfaces, jobs, name, read);
    };
    attach_property<std::uint32_t>(interfaces, jobs, "Id", [](const Job& job) { return job.record.id; });
    attach_property<std::uint32_t>(interfaces, jobs, "Owner", [](const Job& job) { return job.record.owner; });
    attach_property<std::int32_t>(interfaces, jobs, "ExitStatus", [](const Job& job) { return job.result.status; });
    text("Kind", [](const Job& job) { return std::string{name_of(job_kind_names, job.record.kind)}; });
    text("Machine", [](const Job& job) { return job.record.machine; });
    text("Description", [](const Job& job) { return job.record.description; });
    text("State", state_of);
    text("Message", [](const Job& job) { return job.result.failure; });
    time("StartTimestamp", [](const Job& job) { return job.record.begun; });
    time("FinishTimestamp", [](const Job& job) { return job.finished; });
    time("CPUUserUSec", [](const Job& job) { return job.result.user_us; });
    time("CPUSystemUSec", [](const Job& job) { return job.result.system_us; });
    time("MemoryPeak", [](const Job& job) { return job.result.memory_peak; });
    text("Stage", [](const Job& job) { return job.progress.stage; });
    time("Bytes", [](const Job& job) { return job.progress.bytes; });
    time("TotalBytes", [](const Job& job) { return job.progress.total.value_or(UINT64_MAX); });
    time("BytesPerSecond", [](const Job& job) { return job.progress.rate; });
    time("TimeLeftUSec", [](const Job& job) { return job.progress.left.value_or(UINT64_MAX); });
}

} // namespace

void attach_jobs(Interfaces& interfaces, Service& service, Jobs& jobs) {
    interfaces.manager1.method("StartMachine", [&](const Call& call) { start_machine(service, jobs, call); });
    interfaces.manager1.method("ListJobs", [&](const Call& call) {
        std::vector<std::tuple<std::uint32_t, std::string, std::string, std::string, std::uint32_t, ObjectPath>> rows;
        for (const auto& [id, job] : jobs.all())
            rows.emplace_back(id, name_of(job_kind_names, job->record.kind), job->record.machine, state_of(*job),
                              job->record.owner, ObjectPath{path_of_job(id)});
        call.reply(rows);
    });
    attach_machine_verb(interfaces.machine1, service, "Exec",
                        [&](const Call& call, const std::string& name) { execute(service, jobs, call, name); });
    interfaces.job1.method(
        "Cancel", [&](const Call& call) { cancel(service, jobs, call, job_of_path(call.path()).value_or(0)); });
    attach_job_properties(interfaces, jobs);
    announce(service, jobs);
    interfaces.job_exists = [&jobs](std::string_view path) {
        const auto id = job_of_path(path);
        return id && jobs.all().contains(*id);
    };
}

} // namespace machinist
