// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/machine_links.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "network/links.hpp"
#include "network/undo_links.hpp"

#include <algorithm>
#include <fcntl.h>

namespace machinist {

namespace {

// The zone stays: the machine is about to join it again.
void undo_those_of_the_last_start(Start& start, LinkRecord& record) {
    const auto failures = undo_links(record.read(), start.machine_network, Zones::leave);
    start.machine_network.reset();
    start.warnings.insert(start.warnings.end(), failures.begin(), failures.end());
    record.clear();
}

// A link with an end on the host goes with that end.
bool has_links_to_undo_inside(const NetworkPlan& plan) {
    return std::ranges::any_of(plan.links, [](const PlannedLink& link) { return link.kind != LinkKind::veth; });
}

} // namespace

void make_machine_links(Start& start) {
    const NetworkPlan plan = plan_network(start.spec.network, start.spec.name);
    if (plan.links.empty())
        return;
    start.run.will_undo("network " + start.programs.network.string());
    LinkRecord record{start.run.directory()};
    if (!start.first_start)
        undo_those_of_the_last_start(start, record);
    UniqueFd network = open_path("/proc/" + std::to_string(start.leader.pid()) + "/ns/net", O_RDONLY);
    if (has_links_to_undo_inside(plan))
        start.machine_network = std::move(network);
    start.host_links =
        make_links(start.spec.network, plan, start.machine_network ? start.machine_network : network, record)
            .host_indexes;
}

void undo_machine_links(Start& start) {
    if (!start.machine_network)
        return;
    // What cannot be undone now stays in the record for the program that undoes the rest.
    LinkRecord record{start.run.directory()};
    if (undo_links(record.read(), start.machine_network, Zones::close).empty())
        record.clear();
    start.machine_network.reset();
}

} // namespace machinist
