// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/machine_root.hpp"

#include "base/failure.hpp"
#include "kernel/cgroup_members.hpp"
#include "kernel/files.hpp"
#include "registry/machine_control.hpp"

#include <fcntl.h>

namespace machinist {

UniqueFd open_machine_root(const Machine& machine) {
    UniqueFd root = open_path("/proc/" + std::to_string(machine.leader.pid()) + "/root", O_PATH | O_DIRECTORY);
    // The number was still the leader's if it lives now.
    if (!machine.leader.alive())
        throw Failure{FailureKind::not_found, "machine '" + machine.name() + "' has ended"};
    return open_path(path_of_descriptor(root), O_RDONLY | O_DIRECTORY);
}

StandingStill::StandingStill(const Machine& machine) {
    const auto group = payload_cgroup(machine);
    if (!group)
        throw Failure{FailureKind::not_supported,
                      "stop machine '" + machine.name() + "' for a moment: it has no cgroup of its own"};
    // One that somebody has paused stays so.
    if (is_cgroup_frozen(*group))
        return;
    doing("stop machine '" + machine.name() + "' for a moment", [&] { freeze_cgroup(*group); });
    group_ = *group;
}

StandingStill::~StandingStill() {
    if (group_.empty())
        return;
    try {
        thaw_cgroup(group_);
    } catch (const Failure&) {
        // It has ended meanwhile.
    }
}

} // namespace machinist
