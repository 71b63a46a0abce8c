// SPDX-License-Identifier: LGPL-2.1-or-later
// Machines that start with the host.
#include "base/failure.hpp"
#include "base/machine_name.hpp"
#include "base/text.hpp"
#include "cli/control/host_units.hpp"
#include "cli/control/image_verbs.hpp"
#include "cli/control/verbs.hpp"
#include "image/pool.hpp"

#include <cstdio>
#include <unistd.h>

namespace machinist {

namespace {

std::vector<std::string> units_of(const Invocation& call) {
    std::vector<std::string> units;
    for (const std::string& name : call.words) {
        if (!MachineName::parse(name))
            throw Failure{FailureKind::invalid, "'" + escaped_for_people(name) + "' is no name for a machine"};
        units.push_back(unit_of_machine(call, name));
    }
    return units;
}

void print(const Invocation& call, const std::vector<std::string>& lines) {
    if (!call.quiet)
        for (const std::string& line : lines)
            std::fprintf(stderr, "%s\n", line.c_str());
}

} // namespace

int enable_machines(const Invocation& call, const MachineStore& machines) {
    std::vector<std::string> units = units_of(call);
    // Others cannot look into the pool.
    if (!call.is_remote() && ::geteuid() == 0)
        for (const std::string& name : call.words)
            (void)Pool{}.get(name);
    {
        ServiceClient client{call};
        client.let_person_be_asked();
        units.emplace_back("machines.target");
        print(call, HostUnits{client}.enable(units));
    }
    return call.now ? start_machines(call, machines) : 0;
}

int disable_machines(const Invocation& call, const MachineStore& machines) {
    const std::vector<std::string> units = units_of(call);
    {
        ServiceClient client{call};
        client.let_person_be_asked();
        print(call, HostUnits{client}.disable(units));
    }
    if (!call.now)
        return 0;
    Invocation running = call;
    if (!call.is_remote())
        std::erase_if(running.words,
                      [&](const std::string& name) { return !machines.find(*MachineName::parse(name)); });
    return running.words.empty() ? 0 : power_off_machines(running, machines);
}

} // namespace machinist
