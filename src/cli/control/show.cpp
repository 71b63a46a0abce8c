// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/image_verbs.hpp"
#include "cli/control/machine_report.hpp"
#include "cli/control/verbs.hpp"

namespace machinist {

int show_machines(const Invocation& call, const MachineStore& machines) {
    if (call.settings)
        return show_settings(call);
    std::vector<std::string> texts;
    if (call.words.empty())
        texts.push_back(properties_text(properties_of_provider(call), call));
    // All of them first: nothing is printed if one is not known.
    for (const MachineReport& report : reports_of(call, machines))
        texts.push_back(properties_text(properties_of(report), call));
    print_properties(texts, call);
    return 0;
}

} // namespace machinist
