// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/properties.hpp"
#include "cli/control/verbs.hpp"

namespace machinist {

namespace {

// What is asked of no machine in particular is told of all.
Properties properties_of_registry(const MachineStore&) {
    return {{"PoolPath", "/var/lib/machines"}};
}

} // namespace

int show_machines(const Invocation& call, const MachineStore& machines) {
    std::vector<std::string> texts;
    if (call.words.empty())
        texts.push_back(properties_text(properties_of_registry(machines), call));
    // All of them first: nothing is printed if one is not known.
    for (const std::string& name : call.words)
        texts.push_back(properties_text(properties_of(machines.get(name)), call));
    print_properties(texts, call);
    return 0;
}

} // namespace machinist
