// SPDX-License-Identifier: LGPL-2.1-or-later
// The daemon's set of machines. A machine is in it from its registration to the end of its leader; whether it runs is
// asked of the leader, never of what was written down.
#pragma once

#include "bus/event_loop.hpp"
#include "bus/unit_manager.hpp"
#include "registry/service/leader_watch.hpp"
#include "registry/service/registered_machine.hpp"
#include "registry/service/registration.hpp"
#include "registry/service/state_directory.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace machinist {

// Who wants to know. Called when it is so already.
struct RegistryEvents {
    std::function<void(const RegisteredMachine&)> added;
    std::function<void(const RegisteredMachine&)> adopted; // at the start: nobody is told
    std::function<void(const RegisteredMachine&)> removed;
    std::function<void(const RegisteredMachine&)> state_changed;
};

class MachineRegistry {
public:
    // nullptr: it worked.
    using OnDone = UnitManager::OnDone;
    // By name, which lies in the machine.
    using Machines = std::map<std::string_view, std::unique_ptr<RegisteredMachine>>;

    MachineRegistry(EventLoop& loop, UnitManager& units, StateDirectory state);

    void announce_to(RegistryEvents events) {
        events_.push_back(std::move(events));
    }
    // Takes the machines that ran before this program did, and from then on those that others register by file.
    void adopt();
    // Takes what others have registered by file and nobody has told of.
    void look_again();
    // From now on there, with what is there already.
    void move_state_to(StateDirectory state);

    [[nodiscard]] const RegisteredMachine* find(std::string_view name) const;
    // Throws Failure(no_machine).
    [[nodiscard]] const RegisteredMachine& get(std::string_view name) const;
    // Whose leader it or one of its ancestors is, or in whose unit it is. Throws Failure(no_machine_of).
    [[nodiscard]] const RegisteredMachine& of_process(pid_t process) const;
    [[nodiscard]] const Machines& machines() const {
        return machines_;
    }

    // Another number whenever a machine has come or gone.
    [[nodiscard]] std::uint64_t generation() const {
        return generation_;
    }

    // The leader's own unit, as it is now, is the machine's.
    const RegisteredMachine& register_machine(Registration wanted);
    // Into a scope of its own. Done when it runs in there.
    void create_machine(Registration wanted, std::shared_ptr<const PassedProperties> properties, OnDone done);

    // The processes go on.
    void unregister(std::string_view name);
    void terminate(std::string_view name, OnDone done);
    // whom: "leader", "supervisor", "all" or "" for all.
    void kill(std::string_view name, std::string_view whom, int signal, OnDone done);

private:
    RegisteredMachine& add(Registration wanted, std::string subgroup, MachineState state);
    void refuse_taken(const Registration& wanted) const;
    bool adopt_one(const std::string& name);
    void take_in(const std::string& name);
    void tell(std::function<void(const RegisteredMachine&)> RegistryEvents::*event,
              const RegisteredMachine& machine) const;
    void remove(std::string_view name);
    void leader_ended(pid_t leader);
    void unit_changed(const std::string& unit, UnitChange change);
    void set_state(RegisteredMachine& machine, MachineState state);
    void look_at_files();
    void watch_files();
    // Throws Failure(no_machine); not for the host.
    RegisteredMachine& held(std::string_view name);

    EventLoop& loop_;
    UnitManager& units_;
    StateDirectory state_;
    std::vector<RegistryEvents> events_;
    Machines machines_;
    std::uint64_t generation_ = 0;
    std::unordered_map<pid_t, RegisteredMachine*> by_leader_;
    std::unordered_multimap<std::string_view, RegisteredMachine*> by_unit_;
    LeaderWatch leaders_;
    RegisteredMachine host_;
    UniqueFd file_changes_;
    EventSource files_changed_;
};

} // namespace machinist
