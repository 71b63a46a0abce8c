// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bus/systemd_units.hpp"

#include "bus/log.hpp"
#include "bus/unit_names.hpp"

#include <utility>

namespace machinist {

namespace {

constexpr const char* service = "org.freedesktop.systemd1";
constexpr const char* manager_path = "/org/freedesktop/systemd1";
constexpr const char* manager = "org.freedesktop.systemd1.Manager";
constexpr std::uint64_t tasks_max = 16384;
// A job may have to wait for others; without an end a caller would wait for ever.
constexpr std::chrono::seconds patience{90};

constexpr Method of_manager(const char* member) {
    return {service, manager_path, manager, member};
}

UnitManager::OnDone once(UnitManager::OnDone done) {
    return done ? std::move(done) : [](const Failure*) {};
}

void append_property(sd_bus_message* to, const char* name, const Variant& value) {
    wire::put(to, std::pair<std::string, Variant>{name, value});
}

} // namespace

PassedProperties::PassedProperties(sd_bus_message* from) {
    wire::written(sd_bus_message_new_method_call(sd_bus_message_get_bus(from), &copy_, nullptr, "/", nullptr, "Copy"));
    wire::read(sd_bus_message_copy(copy_, from, 0));
    wire::written(sd_bus_message_seal(copy_, 1, 0));
}

void PassedProperties::append_to(sd_bus_message* to) const {
    wire::read(sd_bus_message_rewind(copy_, 1));
    wire::read(sd_bus_message_enter_container(copy_, 'a', "(sv)"));
    wire::read(sd_bus_message_copy(to, copy_, 1));
    wire::read(sd_bus_message_exit_container(copy_));
}

struct SystemdUnits::Start {
    std::string name;
    std::string description;
    pid_t pid;
    UniqueFd leader;
    std::shared_ptr<const PassedProperties> properties;
    OnDone done;
    bool exists = false;              // a unit of the host's: it is only started
    std::vector<std::string> command; // of a service
    bool remains_forgotten = false;
};

SystemdUnits::SystemdUnits(Connection& bus) : bus_(bus) {
    const std::string from = std::string{"type='signal',sender='"} + service + "',";
    matches_.push_back(bus_.match(from + "interface='" + manager + "',member='JobRemoved'",
                                  [this](sd_bus_message* message) { job_removed(message); }));
    matches_.push_back(bus_.match(from + "interface='" + manager + "',member='UnitRemoved'", [this](auto* message) {
        if (on_change_)
            on_change_(wire::get<std::string>(message), UnitChange::gone);
    }));
    matches_.push_back(bus_.match(from + "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',"
                                         "path_namespace='/org/freedesktop/systemd1/unit',"
                                         "arg0='org.freedesktop.systemd1.Unit'",
                                  [this](sd_bus_message* message) { properties_changed(message); }));
    // A manager that has just come knows nobody who listens.
    matches_.push_back(bus_.match("type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',"
                                  "member='NameOwnerChanged',arg0='org.freedesktop.systemd1'",
                                  [this](sd_bus_message* message) {
                                      (void)wire::get<std::string>(message);
                                      (void)wire::get<std::string>(message);
                                      if (!wire::get<std::string>(message).empty())
                                          subscribe();
                                  }));
    subscribe();
}

void SystemdUnits::subscribe() {
    bus_.call(of_manager("Subscribe"), {}, [](const Answer& answer) {
        if (answer.failed() && answer.error_name() != "org.freedesktop.systemd1.AlreadySubscribed")
            log_debug(answer.failure("listen to systemd").what());
    });
}

void SystemdUnits::start_scope(const ScopeRequest& request, OnDone done) {
    auto start = std::make_shared<Start>();
    start->name = request.name;
    start->description = request.description;
    start->pid = request.leader.pid();
    start->leader = UniqueFd{::fcntl(request.leader.descriptor().get(), F_DUPFD_CLOEXEC, 3)};
    start->properties = request.properties;
    start->done = once(std::move(done));
    ask_to_start(start);
}

void SystemdUnits::start_unit(const std::string& unit, OnDone done) {
    auto start = std::make_shared<Start>();
    start->name = unit;
    start->exists = true;
    start->done = once(std::move(done));
    ask_to_start(start);
}

void SystemdUnits::await_start(const std::string& unit, OnDone done) {
    bus_.call(
        of_manager("GetUnit"), [&](sd_bus_message* message) { wire::put(message, unit); },
        [this, unit, done = once(std::move(done))](const Answer& answer) {
            if (!answer.failed())
                return ask_state(answer.take<ObjectPath>().text, unit, done);
            const Failure failure = answer.failure("start '" + unit + "'");
            done(&failure);
        });
}

void SystemdUnits::ask_state(const std::string& object, const std::string& unit, OnDone done) {
    bus_.call(
        {service, object.c_str(), "org.freedesktop.DBus.Properties", "Get"},
        [&](sd_bus_message* message) {
            wire::put(message, std::string{"org.freedesktop.systemd1.Unit"});
            wire::put(message, std::string{"ActiveState"});
        },
        [this, unit, done = std::move(done)](const Answer& answer) {
            const Variant value = answer.failed() ? Variant{} : answer.take<Variant>();
            const auto* state = std::get_if<std::string>(&value);
            if (state != nullptr && *state == "active")
                return done(nullptr);
            // Joins the unit job that is on its way.
            if (state != nullptr && *state == "activating")
                return start_unit(unit, done);
            const Failure failure{FailureKind::busy, "start '" + unit + "': it did not get to run"};
            done(&failure);
        });
}

void SystemdUnits::start_service(const ServiceRequest& request, OnDone done) {
    auto start = std::make_shared<Start>();
    start->name = request.name;
    start->description = request.description;
    start->command = request.command;
    start->done = once(std::move(done));
    ask_to_start(start);
}

void SystemdUnits::put_scope(sd_bus_message* message, const Start& start) const {
    if (knows_pidfds_)
        wire::written(sd_bus_message_append(message, "(sv)", "PIDFDs", "ah", 1, start.leader.get()));
    else
        wire::written(sd_bus_message_append(message, "(sv)", "PIDs", "au", 1, static_cast<unsigned>(start.pid)));
}

// What units/machinist@.service says.
void SystemdUnits::put_service(sd_bus_message* message, const Start& start) {
    constexpr std::uint64_t watchdog = 180'000'000;
    constexpr std::uint64_t timeout = 120'000'000;
    constexpr int reboot = 133;
    append_property(message, "Type", std::string{"notify"});
    append_property(message, "KillMode", std::string{"mixed"});
    append_property(message, "WatchdogUSec", watchdog);
    append_property(message, "TimeoutStartUSec", timeout);
    append_property(message, "TimeoutStopUSec", timeout);
    append_property(message, "DevicePolicy", std::string{"closed"});
    wire::written(sd_bus_message_append(message, "(sv)", "DeviceAllow", "a(ss)", 3, "/dev/net/tun", "rwm", "char-pts",
                                        "rw", "/dev/fuse", "rwm"));
    for (const char* name : {"RestartForceExitStatus", "SuccessExitStatus"})
        wire::written(sd_bus_message_append(message, "(sv)", name, "(aiai)", 1, reboot, 0));
    wire::written(sd_bus_message_open_container(message, 'r', "sv"));
    wire::put(message, std::string{"ExecStart"});
    wire::written(sd_bus_message_open_container(message, 'v', "a(sasb)"));
    wire::put(message, std::vector<std::tuple<std::string, std::vector<std::string>, bool>>{
                           {start.command.front(), start.command, false}});
    wire::written(sd_bus_message_close_container(message));
    wire::written(sd_bus_message_close_container(message));
}

void SystemdUnits::ask_to_start(const std::shared_ptr<Start>& start) {
    const auto fill = [&](sd_bus_message* message) {
        wire::put(message, start->name);
        wire::put(message, std::string{"fail"});
        if (start->exists)
            return;
        wire::written(sd_bus_message_open_container(message, 'a', "(sv)"));
        append_property(message, "Description", start->description);
        append_property(message, "Slice", std::string{"machine.slice"});
        if (start->command.empty())
            put_scope(message, *start);
        else
            put_service(message, *start);
        append_property(message, "Delegate", true);
        append_property(message, "CollectMode", std::string{"inactive-or-failed"});
        append_property(message, "TasksMax", tasks_max);
        if (start->properties)
            start->properties->append_to(message);
        wire::written(sd_bus_message_close_container(message));
        wire::written(sd_bus_message_append(message, "a(sa(sv))", 0));
    };
    ++starts_asked_;
    bus_.call(
        of_manager(start->exists ? "StartUnit" : "StartTransientUnit"), fill,
        [this, start](const Answer& answer) { started(start, answer); }, patience);
}

void SystemdUnits::started(const std::shared_ptr<Start>& start, const Answer& answer) {
    --starts_asked_;
    const auto forget = [this] {
        if (starts_asked_ == 0)
            early_.clear();
    };
    if (answer.failed()) {
        forget();
        const std::string error = answer.error_name();
        // No other property of ours is younger than the oldest systemd that we meet.
        if (knows_pidfds_ &&
            (error == "org.freedesktop.DBus.Error.PropertyReadOnly" ||
             error == "org.freedesktop.DBus.Error.UnknownProperty") &&
            std::string_view{answer.failure({}).what()}.find("PIDFDs") != std::string_view::npos) {
            knows_pidfds_ = false;
            ask_to_start(start);
            return;
        }
        if (error == "org.freedesktop.systemd1.UnitExists" && !std::exchange(start->remains_forgotten, true)) {
            forget_remains(start);
            return;
        }
        const Failure failure = answer.failure("start '" + start->name + "'");
        start->done(&failure);
        return;
    }
    const std::string job = answer.take<ObjectPath>().text;
    auto finish = [start](const Failure* failure) { start->done(failure); };
    if (const auto early = early_.find(job); early != early_.end()) {
        const std::string result = early->second;
        forget();
        if (result == "done") {
            finish(nullptr);
        } else {
            const Failure failure{FailureKind::busy, "start '" + start->name + "': the unit job ended as " + result};
            finish(&failure);
        }
        return;
    }
    waiting_.emplace(job, std::move(finish));
    forget();
}

// What a machine of the same name left, failed and kept for people to look at.
void SystemdUnits::forget_remains(const std::shared_ptr<Start>& start) {
    bus_.call(
        of_manager("ResetFailedUnit"), [&](sd_bus_message* message) { wire::put(message, start->name); },
        [this, start](const Answer&) { ask_to_start(start); });
}

void SystemdUnits::stop_unit(const std::string& unit, OnDone done) {
    bus_.call(
        of_manager("StopUnit"),
        [&](sd_bus_message* message) {
            wire::put(message, unit);
            wire::put(message, std::string{"fail"});
        },
        [unit, done = once(std::move(done))](const Answer& answer) {
            if (!answer.failed() || answer.error_name() == "org.freedesktop.systemd1.NoSuchUnit") {
                done(nullptr);
                return;
            }
            const Failure failure = answer.failure("stop '" + unit + "'");
            done(&failure);
        });
}

void SystemdUnits::kill_unit(const std::string& unit, const std::string& subgroup, int signal, OnDone done) {
    const auto fill = [&](sd_bus_message* message) {
        wire::put(message, unit);
        wire::put(message, std::string{subgroup.empty() ? "all" : "cgroup"});
        if (!subgroup.empty())
            wire::put(message, subgroup);
        wire::put(message, static_cast<std::int32_t>(signal));
    };
    bus_.call(of_manager(subgroup.empty() ? "KillUnit" : "KillUnitSubgroup"), fill,
              [unit, done = once(std::move(done))](const Answer& answer) {
                  if (!answer.failed()) {
                      done(nullptr);
                      return;
                  }
                  const Failure failure = answer.failure("signal the processes of '" + unit + "'");
                  done(&failure);
              });
}

void SystemdUnits::job_removed(sd_bus_message* message) {
    (void)wire::get<std::uint32_t>(message);
    const std::string job = wire::get<ObjectPath>(message).text;
    const std::string unit = wire::get<std::string>(message);
    const std::string result = wire::get<std::string>(message);
    const auto found = waiting_.find(job);
    if (found == waiting_.end()) {
        if (starts_asked_ > 0)
            early_.insert_or_assign(job, result);
        return;
    }
    const OnDone done = std::move(found->second);
    waiting_.erase(found);
    if (result == "done") {
        done(nullptr);
        return;
    }
    const Failure failure{FailureKind::busy, "start '" + unit + "': the unit job ended as " + result};
    done(&failure);
}

void SystemdUnits::properties_changed(sd_bus_message* message) {
    if (!on_change_)
        return;
    const char* path = sd_bus_message_get_path(message);
    (void)wire::get<std::string>(message);
    const auto changed = wire::get<NamedValues>(message);
    const auto state = changed.find("ActiveState");
    if (state == changed.end())
        return;
    const auto* value = std::get_if<std::string>(&state->second);
    if (value != nullptr && *value == "deactivating")
        on_change_(unit_of_object_path(path), UnitChange::stopping);
    else if (value != nullptr && (*value == "inactive" || *value == "failed"))
        on_change_(unit_of_object_path(path), UnitChange::gone);
}

} // namespace machinist
