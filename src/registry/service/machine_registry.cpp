// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/service/machine_registry.hpp"

#include "base/failure.hpp"
#include "bus/log.hpp"
#include "registry/recorded_leader.hpp"
#include "registry/service/host_machine.hpp"
#include "registry/service/process_place.hpp"
#include "spec/scope_name.hpp"

#include <cerrno>
#include <ctime>
#include <sys/inotify.h>
#include <unistd.h>

namespace machinist {

namespace {

constexpr int deepest_ancestry = 4096;

std::uint64_t microseconds(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

Failure no_machine(std::string_view name) {
    return Failure{FailureKind::no_machine, "No machine '" + std::string{name} + "' known"};
}

} // namespace

MachineRegistry::MachineRegistry(EventLoop& loop, UnitManager& units, StateDirectory state)
    : loop_(loop),
      units_(units),
      state_(std::move(state)),
      leaders_(loop, [this](pid_t leader) { leader_ended(leader); }),
      host_(host_machine()) {
    units_.on_change([this](const std::string& unit, UnitChange change) { unit_changed(unit, change); });
}

void MachineRegistry::adopt() {
    const auto names = state_.names();
    // Before looking: what appears meanwhile is seen one way or the other.
    watch_files();
    for (const std::string& name : names)
        if (!machines_.contains(name) && adopt_one(name)) {
            held(name).announced = true;
            tell(&RegistryEvents::adopted, held(name));
        }
    state_.remove_stale_links();
}

void MachineRegistry::move_state_to(StateDirectory state) {
    (void)state.names(); // makes it
    for (const auto& [name, machine] : machines_) {
        state.write(machine->record, machine->owns_unit());
        state_.remove(machine->record);
    }
    state_ = std::move(state);
    adopt();
}

bool MachineRegistry::adopt_one(const std::string& name) {
    auto record = state_.read(name);
    if (!record)
        return false;
    auto leader = hold_leader(*record);
    if (!leader) {
        // What a supervisor of ours wrote it removes itself.
        if (record->run_directory.empty())
            state_.remove(*record);
        return false;
    }
    if (by_leader_.contains(leader->pid())) {
        log_warning("the file of machine '" + name + "' names the leader of another one");
        return false;
    }
    std::string subgroup;
    if (!record->scope.empty() && !state_.has_link(*record)) {
        // Below its unit's group by one: what the machine makes below that is its own affair.
        const std::string below = place_of_process(leader->pid()).subgroup;
        subgroup = below.substr(0, below.find('/'));
    }
    Registration found{.record = std::move(*record), .leader = std::move(*leader)};
    (void)add(std::move(found), std::move(subgroup), MachineState::running);
    return true;
}

void MachineRegistry::watch_files() {
    file_changes_ = UniqueFd{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
    if (!file_changes_ ||
        ::inotify_add_watch(file_changes_.get(), state_.path().c_str(), IN_MOVED_TO | IN_CLOSE_WRITE) < 0)
        throw system_failure("watch '" + state_.path().string() + "'");
    files_changed_ = loop_.when_readable(file_changes_, [this] { look_at_files(); });
}

void MachineRegistry::look_at_files() {
    alignas(inotify_event) char buffer[16384];
    const ssize_t size = ::read(file_changes_.get(), buffer, sizeof buffer);
    for (ssize_t at = 0; at < size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
        const std::string name = event->len > 0 ? event->name : "";
        if (MachineName::parse(name))
            take_in(name);
    }
}

void MachineRegistry::take_in(const std::string& name) {
    // Our own files come by here, too: of machines that are known already.
    if (machines_.contains(name) || !adopt_one(name))
        return;
    RegisteredMachine& machine = held(name);
    machine.announced = true;
    tell(&RegistryEvents::added, machine);
}

void MachineRegistry::look_again() {
    for (const std::string& name : state_.names())
        take_in(name);
    state_.remove_stale_links();
}

void MachineRegistry::tell(std::function<void(const RegisteredMachine&)> RegistryEvents::*event,
                           const RegisteredMachine& machine) const {
    for (const RegistryEvents& events : events_)
        if (events.*event)
            (events.*event)(machine);
}

const RegisteredMachine* MachineRegistry::find(std::string_view name) const {
    if (const auto found = machines_.find(name); found != machines_.end())
        return found->second.get();
    return name == host_.name() ? &host_ : nullptr;
}

const RegisteredMachine& MachineRegistry::get(std::string_view name) const {
    if (const auto* machine = find(name))
        return *machine;
    throw no_machine(name);
}

RegisteredMachine& MachineRegistry::held(std::string_view name) {
    if (name == host_.name())
        throw Failure{FailureKind::not_supported, "the host is no machine that can be ended or unregistered"};
    if (const auto found = machines_.find(name); found != machines_.end())
        return *found->second;
    throw no_machine(name);
}

const RegisteredMachine& MachineRegistry::of_process(pid_t process) const {
    pid_t ancestor = process;
    for (int generation = 0; ancestor > 1 && generation < deepest_ancestry; ++generation) {
        if (const auto found = by_leader_.find(ancestor); found != by_leader_.end())
            return *found->second;
        ancestor = parent_of(ancestor);
    }
    const auto [first, last] = by_unit_.equal_range(place_of_process(process).unit);
    for (auto candidate = first; candidate != last; ++candidate)
        if (candidate->second->owns_unit())
            return *candidate->second;
    throw Failure{FailureKind::no_machine_of,
                  "PID " + std::to_string(process) + " does not belong to any known machine"};
}

void MachineRegistry::refuse_taken(const Registration& wanted) const {
    const std::string& name = wanted.record.name.text();
    if (machines_.contains(name))
        throw Failure{FailureKind::machine_exists, "Machine '" + name + "' already exists"};
    if (const auto same = by_leader_.find(wanted.leader.pid()); same != by_leader_.end())
        throw Failure{FailureKind::machine_exists, "process " + std::to_string(wanted.leader.pid()) +
                                                       " already exists as the leader of machine '" +
                                                       same->second->name() + "'"};
}

RegisteredMachine& MachineRegistry::add(Registration wanted, std::string subgroup, MachineState state) {
    auto machine = std::make_unique<RegisteredMachine>();
    machine->record = std::move(wanted.record);
    machine->leader = std::move(wanted.leader);
    machine->subgroup = std::move(subgroup);
    machine->state = state;
    leaders_.add(machine->leader);
    RegisteredMachine& added = *machine;
    machines_.emplace(added.name(), std::move(machine));
    ++generation_;
    by_leader_.insert_or_assign(added.leader.pid(), &added);
    if (!added.record.scope.empty())
        by_unit_.emplace(added.record.scope, &added);
    return added;
}

const RegisteredMachine& MachineRegistry::register_machine(Registration wanted) {
    // The end of a predecessor may wait in the loop still.
    if (const auto* before = find(wanted.record.name.text()); before != nullptr && !before->leader.alive())
        remove(before->name());
    refuse_taken(wanted);
    wanted.record.realtime = microseconds(CLOCK_REALTIME);
    wanted.record.monotonic = microseconds(CLOCK_MONOTONIC);
    UnitPlace place = place_of_process(wanted.leader.pid());
    wanted.record.scope = place.unit;
    RegisteredMachine& machine =
        add(std::move(wanted), place.subgroup.substr(0, place.subgroup.find('/')), MachineState::running);
    try {
        state_.write(machine.record, machine.owns_unit());
    } catch (const Failure&) {
        remove(std::string{machine.name()});
        throw;
    }
    machine.announced = true;
    tell(&RegistryEvents::added, machine);
    return machine;
}

void MachineRegistry::create_machine(Registration wanted, std::shared_ptr<const PassedProperties> properties,
                                     OnDone done) {
    if (const auto* before = find(wanted.record.name.text()); before != nullptr && !before->leader.alive())
        remove(before->name());
    refuse_taken(wanted);
    wanted.record.realtime = microseconds(CLOCK_REALTIME);
    wanted.record.monotonic = microseconds(CLOCK_MONOTONIC);
    wanted.record.scope = scope_name(wanted.record.name.text());
    const std::string name = wanted.record.name.text();
    const pid_t leader = wanted.leader.pid();
    RegisteredMachine& machine = add(std::move(wanted), "", MachineState::opening);
    const auto undo = [this, name, leader] {
        const auto* now = find(name);
        if (now != nullptr && now->leader.pid() == leader)
            remove(name);
    };
    try {
        state_.write(machine.record, true);
        const bool is_container = machine.record.machine_class != "vm";
        units_.start_scope({.name = machine.record.scope,
                            .description = (is_container ? "Container " : "Virtual Machine ") + name,
                            .leader = machine.leader,
                            .properties = std::move(properties)},
                           [this, name, leader, undo, done = std::move(done)](const Failure* failure) {
                               if (failure != nullptr) {
                                   undo();
                                   done(failure);
                                   return;
                               }
                               const auto now = machines_.find(name);
                               if (now == machines_.end() || now->second->leader.pid() != leader) {
                                   const Failure ended{FailureKind::no_machine,
                                                       "machine '" + name + "' ended before its scope was started"};
                                   done(&ended);
                                   return;
                               }
                               RegisteredMachine& running = *now->second;
                               running.announced = true;
                               if (running.state == MachineState::opening)
                                   running.state = MachineState::running;
                               tell(&RegistryEvents::added, running);
                               done(nullptr);
                           });
    } catch (const std::exception&) {
        undo();
        throw;
    }
}

void MachineRegistry::unregister(std::string_view name) {
    remove(held(name).name());
}

void MachineRegistry::remove(std::string_view name) {
    const auto found = machines_.find(name);
    if (found == machines_.end())
        return;
    const std::unique_ptr<RegisteredMachine> machine = std::move(found->second);
    machines_.erase(found);
    ++generation_;
    leaders_.forget(machine->leader);
    by_leader_.erase(machine->leader.pid());
    const auto [first, last] = by_unit_.equal_range(machine->record.scope);
    for (auto candidate = first; candidate != last; ++candidate)
        if (candidate->second == machine.get()) {
            by_unit_.erase(candidate);
            break;
        }
    // A supervisor of ours that wrote the file removes it, and may have written the next one already.
    if (machine->record.run_directory.empty())
        state_.remove(machine->record);
    machine->state = MachineState::closing;
    if (machine->announced)
        tell(&RegistryEvents::removed, *machine);
}

void MachineRegistry::leader_ended(pid_t leader) {
    if (const auto found = by_leader_.find(leader); found != by_leader_.end())
        remove(found->second->name());
}

void MachineRegistry::set_state(RegisteredMachine& machine, MachineState state) {
    if (machine.state == state)
        return;
    machine.state = state;
    if (machine.announced)
        tell(&RegistryEvents::state_changed, machine);
}

void MachineRegistry::unit_changed(const std::string& unit, UnitChange change) {
    const auto [first, last] = by_unit_.equal_range(unit);
    std::vector<std::string> gone;
    for (auto candidate = first; candidate != last; ++candidate) {
        RegisteredMachine& machine = *candidate->second;
        if (change == UnitChange::stopping)
            set_state(machine, MachineState::closing);
        // systemd forgets and finds again all its units when it reloads: asked is whether the leader is in there.
        else if (machine.state != MachineState::opening && place_of_process(machine.leader.pid()).unit != unit)
            gone.push_back(machine.name());
    }
    for (const std::string& name : gone)
        remove(name);
}

} // namespace machinist
