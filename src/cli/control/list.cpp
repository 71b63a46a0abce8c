// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.hpp"
#include "cli/control/table.hpp"
#include "cli/control/verbs.hpp"
#include "registry/machine_facts.hpp"

#include <algorithm>

namespace machinist {

namespace {

Cell cell_of(const std::string& text) {
    return text.empty() ? Cell{} : Cell{text};
}

Cell value_of(const std::map<std::string, std::string>& fields, const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? Cell{} : cell_of(found->second);
}

Cell addresses_of(const MachineFacts& facts, const Invocation& call) {
    std::vector<std::string> shown = facts.addresses;
    if (call.most_addresses && shown.size() > *call.most_addresses) {
        shown.resize(*call.most_addresses);
        if (call.output == OutputMode::text && !shown.empty())
            shown.back() += "…";
    }
    return cell_of(joined(shown, "\n"));
}

} // namespace

int list_machines(const Invocation& call, const MachineStore& machines) {
    Table table{{"MACHINE", "CLASS", "SERVICE", "OS", "VERSION", "ADDRESSES"}};
    const bool addresses = call.most_addresses.value_or(1) > 0;
    for (const Machine& machine : machines.list()) {
        const MachineFacts facts =
            read_machine_facts(machine, {.os_release = true, .addresses = addresses, .init = false});
        table.add({machine.name(), cell_of(machine.record.machine_class), cell_of(machine.record.service),
                   value_of(facts.os_release, "ID"), value_of(facts.os_release, "VERSION_ID"),
                   addresses_of(facts, call)});
    }
    table.print(call, "machines");
    return 0;
}

} // namespace machinist
