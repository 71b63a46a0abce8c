// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/boot_watch.hpp"

#include "base/failure.hpp"
#include "bus/log.hpp"
#include "daemon/object_paths.hpp"

#include <climits>
#include <sys/inotify.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr std::size_t most_waiting = 1024;
constexpr std::chrono::milliseconds between_looks{20};

} // namespace

BootWatch::BootWatch(Service& service) : service_(service), events_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (!events_)
        throw system_failure("watch run directories");
    readable_ = service_.loop.when_readable(events_, [this] { read_events(); });
}

BootProgress BootWatch::progress_of(const RegisteredMachine& machine) const {
    return machine.is_host ? BootProgress{} : boot_progress_of(service_.errands.machine_of(machine));
}

void BootWatch::added(const RegisteredMachine& machine) {
    const auto directory = service_.errands.places().run_directories / machine.name();
    const int watch = ::inotify_add_watch(events_.get(), directory.c_str(), IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR);
    if (watch < 0)
        return; // another manager's
    names_[watch] = machine.name();
    current_[machine.name()] = progress_of(machine);
}

void BootWatch::removed(const RegisteredMachine& machine) {
    const std::string& name = machine.name();
    std::erase_if(names_, [&](const auto& entry) {
        if (entry.second != name)
            return false;
        (void)::inotify_rm_watch(events_.get(), entry.first);
        return true;
    });
    current_.erase(name);
    std::erase_if(waiting_, [&](const auto& entry) {
        const Waiting& waiting = entry.second;
        if (waiting.machine != name)
            return false;
        answer(waiting.call, [&] {
            if (waiting.condition != "removed")
                throw Failure{FailureKind::no_machine, "machine '" + name + "' has ended"};
            waiting.call.reply();
        });
        return true;
    });
}

void BootWatch::read_events() {
    alignas(inotify_event) char buffer[16 * (sizeof(inotify_event) + NAME_MAX + 1)];
    for (ssize_t count; (count = ::read(events_.get(), buffer, sizeof buffer)) > 0;)
        for (const char* at = buffer; at < buffer + count;) {
            const auto* event = reinterpret_cast<const inotify_event*>(at);
            at += sizeof(inotify_event) + event->len;
            const auto named = names_.find(event->wd);
            if (named == names_.end())
                continue;
            const std::string name = named->second;
            if ((event->mask & IN_IGNORED) != 0)
                names_.erase(named);
            else
                look_at(name);
        }
}

void BootWatch::look_at(const std::string& name) {
    const RegisteredMachine* machine = service_.registry.find(name);
    if (machine == nullptr)
        return;
    const BootProgress before = std::exchange(current_[name], progress_of(*machine));
    if (current_[name] == before)
        return;
    if (const int result = sd_bus_emit_properties_changed(service_.bus.raw(), path_of_machine(name).c_str(),
                                                          "io.machinist.Machine1", "BootPhase", "BootProgress",
                                                          "StatusText", static_cast<const char*>(nullptr));
        result < 0)
        log_debug("the bus was not told how far a machine has come");
    std::vector<std::uint64_t> numbers;
    for (const auto& [number, waiting] : waiting_)
        if (waiting.machine == name)
            numbers.push_back(number);
    for (const std::uint64_t number : numbers)
        look_at_waiting(number);
}

bool BootWatch::holds(const Waiting& waiting) const {
    const RegisteredMachine* registered = service_.registry.find(waiting.machine);
    if (registered == nullptr || waiting.condition == "removed")
        return false;
    const Machine machine = service_.errands.machine_of(*registered);
    return waiting.condition == "ready" ? machine.is_ready() : !machine.opening;
}

void BootWatch::look_at_waiting(std::uint64_t number) {
    const auto found = waiting_.find(number);
    if (found == waiting_.end())
        return;
    if (!holds(found->second)) {
        if (found->second.condition == "running")
            found->second.look_again = service_.loop.after(between_looks, [this, number] { look_at_waiting(number); });
        return;
    }
    const Call call = found->second.call;
    waiting_.erase(found);
    answer(call, [&] { call.reply(); });
}

void BootWatch::wait(const Call& call, const RegisteredMachine& machine, const std::string& condition,
                     std::chrono::microseconds timeout) {
    if (condition != "running" && condition != "ready" && condition != "removed")
        throw Failure{FailureKind::invalid, "Invalid condition, it is none of running, ready and removed"};
    if (machine.is_host)
        throw Failure{FailureKind::not_supported, "the host is not waited for"};
    if (waiting_.size() >= most_waiting)
        throw Failure{FailureKind::too_many, "Too many callers wait"};
    const std::uint64_t number = ++last_;
    Waiting& waiting = waiting_
                           .emplace(number, Waiting{.call = call,
                                                    .machine = machine.name(),
                                                    .condition = condition,
                                                    .timeout = {},
                                                    .look_again = {}})
                           .first->second;
    if (timeout.count() > 0)
        waiting.timeout = service_.loop.after(timeout, [this, number] {
            const auto found = waiting_.find(number);
            if (found == waiting_.end())
                return;
            const Call late = found->second.call;
            waiting_.erase(found);
            late.fail(Failure{FailureKind::timed_out, "it has not come to that in time"});
        });
    look_at_waiting(number);
}

} // namespace machinist
