// SPDX-License-Identifier: LGPL-2.1-or-later
// What every handler works with. Handlers translate between the bus and the registry; they hold no rules.
#pragma once

#include "bus/call.hpp"
#include "bus/connection.hpp"
#include "bus/event_loop.hpp"
#include "daemon/errands.hpp"
#include "registry/service/authority.hpp"
#include "registry/service/machine_registry.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace machinist {

class KnownImages;

struct Service {
    EventLoop& loop;
    Connection& bus;
    MachineRegistry& registry;
    Authority& authority;
    Errands& errands;
    KnownImages& images;
    bool is_provider = false;
};

struct Permission {
    std::string action; // "org.freedesktop.machine1.manage-machines"
    std::string verb;   // as rules of polkit know it
    std::string machine;
    bool owner_may = false; // who registered the machine
    std::vector<std::pair<std::string, std::string>> details;
};

inline constexpr const char* manage_machines = "org.freedesktop.machine1.manage-machines";
inline constexpr const char* inspect_machines = "org.freedesktop.machine1.inspect-machines";

// Runs then, inside of answer(), as soon as the authority agreed; else the caller gets AccessDenied. Read all arguments
// before: the caller's message is not kept at its place. Look at nothing before: who may not is told nothing.
void when_allowed(Service& service, const Call& call, Permission permission, std::function<void()> then);

// For work that is of no use without whoever asked for it. Who wants no answer does not wait for it either.
Until until_caller_leaves(const Call& call);

// As polkit is asked; owners are not asked about.
Question question_of(const Service& service, Permission permission);

// The done of a use case that answers the call with nothing.
UnitManager::OnDone replying(const Call& call);
// With nothing; what the errand has to say is logged.
Errands::OnDone replying_when_done(const Call& call);

} // namespace machinist
