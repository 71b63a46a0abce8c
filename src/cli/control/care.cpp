// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "base/text.hpp"
#include "cli/control/host_checks.hpp"
#include "cli/control/table.hpp"
#include "cli/control/verbs.hpp"
#include "image/base_store.hpp"
#include "image/pool.hpp"
#include "kernel/process.hpp"
#include "registry/audit.hpp"
#include "registry/remnants.hpp"

#include <cstdio>
#include <unistd.h>

namespace machinist {

int collect_remnants(const Invocation& call, const MachineStore& machines) {
    bool all_gone = true;
    // What no image refers to any more becomes a remnant.
    (void)collect_bases(PoolPlaces{}.bases, PoolPlaces{}.locks);
    Table table{{"KIND", "PATH", "WHY"}};
    // Undoing a run directory takes layers and groups with it, so what is left is looked for again.
    for (const RemnantKind kind :
         {RemnantKind::run_directory, RemnantKind::state_file, RemnantKind::layer, RemnantKind::cgroup,
          RemnantKind::id_range_lock, RemnantKind::image, RemnantKind::device})
        for (const Remnant& remnant : find_remnants(machines.places())) {
            if (remnant.kind != kind)
                continue;
            try {
                remove_remnant(remnant, machines.places());
                table.add({std::string{name_of(remnant_kind_names, kind)}, remnant.path.string(), remnant.why});
            } catch (const Failure& failure) {
                std::fprintf(stderr, "machinist: %s\n", failure.what());
                all_gone = false;
            }
        }
    // What was done in the host's network for machines that are gone; it says itself what it cannot take away.
    const std::string gateway = own_program("machinist-gateway").string();
    if (::access(gateway.c_str(), X_OK) == 0 && run_program({gateway, "--collect"}).status != 0)
        all_gone = false;
    if (!call.quiet || call.output != OutputMode::text)
        table.print(call, "remnants", "removed");
    return all_gone ? 0 : 1;
}

int run_auditor(const Invocation& call, const MachineStore& machines) {
    if (!call.words.empty())
        return show_network_path(call, machines);
    std::vector<Finding> findings = check_host(call, machines.places());
    for (Finding& finding : audit(machines.places()))
        findings.push_back(std::move(finding));
    if (call.output != OutputMode::text) {
        Table table{{"KIND", "OBJECT", "WHY", "REMEDY"}};
        for (const Finding& finding : findings)
            table.add({finding.kind, finding.object, finding.why, finding.remedy});
        table.print(call, "findings");
    } else {
        for (const Finding& finding : findings)
            std::printf("%s %s: %s; remedy: %s\n", finding.kind.c_str(), escaped_for_people(finding.object).c_str(),
                        finding.why.c_str(), escaped_for_people(finding.remedy).c_str());
    }
    return findings.empty() ? 0 : 1;
}

} // namespace machinist
