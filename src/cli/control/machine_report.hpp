// SPDX-License-Identifier: LGPL-2.1-or-later
// What is known of machines, whoever tells it: the service on the bus, or, where there is none, their files.
#pragma once

#include "cli/control/invocation.hpp"
#include "cli/control/properties.hpp"
#include "registry/machine_store.hpp"
#include "registry/survey.hpp"

#include <optional>
#include <string>
#include <vector>

namespace machinist {

// For a table of all of them.
struct MachineRow {
    std::string name;
    std::string machine_class;
    std::string service;
    SurveyFinding found;
};

struct MachineReport {
    std::string name; // also ".host", which no record can have
    MachineRecord record;
    std::string subgroup;
    std::string state;
    Properties ours; // beyond org.freedesktop.machine1
};

// By name. Without --all no hidden ones.
std::vector<MachineRow> rows_of_machines(const Invocation& call, const MachineStore& machines, const SurveyWish& wish);

// In the call's order. Throws Failure for the first that is not known.
std::vector<MachineReport> reports_of(const Invocation& call, const MachineStore& machines);

// What runs in one of them, and the first of its users' numbers on the host.
struct MachineInside {
    SurveyFinding found;
    std::optional<std::uint32_t> id_shift;
};
MachineInside look_inside(const Invocation& call, const MachineReport& report);

// Of what keeps the list: what is asked of no machine in particular.
Properties properties_of_provider(const Invocation& call);

// As `show` tells them: those of org.freedesktop.machine1.Machine first, in its order.
Properties properties_of(const MachineReport& report);

} // namespace machinist
