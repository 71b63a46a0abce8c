// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "cli/control/ask_service.hpp"
#include "cli/control/machine_instance.hpp"
#include "cli/control/verbs.hpp"

#include <cstdlib>

namespace machinist {

namespace {

int for_each(const Invocation& call, const MachineStore& machines, const char* member,
             void (*act)(const Machine& machine)) {
    if (asks_service(call)) {
        ask_ours_to(call, member);
        return EXIT_SUCCESS;
    }
    std::vector<Machine> found;
    for (const std::string& name : call.words)
        found.push_back(machines.get(name));
    for (const Machine& machine : found)
        if (machine.record.machine_class == "vm")
            ask_instance(machine, member);
        else
            act(machine);
    return EXIT_SUCCESS;
}

} // namespace

int pause_machines(const Invocation& call, const MachineStore& machines) {
    return for_each(call, machines, "Pause", pause_machine);
}

int resume_machines(const Invocation& call, const MachineStore& machines) {
    return for_each(call, machines, "Resume", resume_machine);
}

} // namespace machinist
