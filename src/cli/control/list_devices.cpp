// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices that machines can have by their full names: what the specs of this host offer, of which nothing is done.
#include "cdi/cdi_search.hpp"
#include "cli/control/table.hpp"
#include "cli/control/verbs.hpp"

#include <cstdio>

namespace machinist {

int list_devices(const Invocation& call, const MachineStore&) {
    const std::vector<CdiSpec> specs = read_cdi_specs();
    Table table{{"DEVICE", "SPEC"}};
    for (const auto& [name, file] : cdi_devices(specs))
        table.add({name, file.string()});
    table.print(call, "devices");
    bool all_are_of_use = true;
    for (const CdiSpec& spec : specs)
        for (const Problem& problem : spec.problems) {
            all_are_of_use = false;
            std::fprintf(stderr, "machinist: %s\n", text_of(problem).c_str());
        }
    return all_are_of_use ? 0 : 1;
}

} // namespace machinist
