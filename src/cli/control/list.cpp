// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/text.hpp"
#include "cli/control/machine_report.hpp"
#include "cli/control/table.hpp"
#include "cli/control/verbs.hpp"

#include <unistd.h>

namespace machinist {

namespace {

Cell cell_of(const std::string& text) {
    return text.empty() ? Cell{} : Cell{text};
}

// People get some, programs all of them.
Cell addresses_of(std::vector<std::string> addresses, const Invocation& call) {
    if (call.output == OutputMode::text && call.most_addresses && addresses.size() > *call.most_addresses) {
        addresses.resize(*call.most_addresses);
        addresses.back() += "…";
    }
    return cell_of(joined(addresses, "\n"));
}

// Whoever may not ask the service reads it in the files of the list.
bool is_own(const MachineStore& machines, const std::string& name) {
    const auto valid = MachineName::parse(name);
    const auto machine = valid ? machines.find(*valid) : std::nullopt;
    return machine && machine->record.uid == ::geteuid();
}

} // namespace

int list_machines(const Invocation& call, const MachineStore& machines) {
    const bool addresses = call.most_addresses.value_or(1) > 0;
    std::vector<std::string> columns{"MACHINE", "CLASS", "SERVICE", "OS", "VERSION"};
    if (addresses)
        columns.emplace_back("ADDRESSES");
    Table table{std::move(columns)};
    for (const MachineRow& row : rows_of_machines(call, machines, {.system = true, .addresses = addresses})) {
        if (call.of_user && !is_own(machines, row.name))
            continue;
        std::vector<Cell> cells{row.name, cell_of(row.machine_class), cell_of(row.service), cell_of(row.found.system),
                                cell_of(row.found.version)};
        if (addresses)
            cells.push_back(addresses_of(row.found.addresses, call));
        table.add(std::move(cells));
    }
    table.print(call, "machines");
    return 0;
}

} // namespace machinist
