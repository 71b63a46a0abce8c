// SPDX-License-Identifier: LGPL-2.1-or-later
// Walks a mount plan: each step is made detached and then attached beneath the machine's root.
#pragma once

#include "base/unique_fd.hpp"
#include "kernel/pidfd.hpp"
#include "spec/machine_spec.hpp"
#include "spec/mount_plan.hpp"

#include <string>
#include <vector>

namespace machinist {

// What came of the host's side and is needed later.
struct HostSideMounts {
    UniqueFd notify_socket;
    UniqueFd kernel_log;
    UniqueFd unix_export;              // directory
    UniqueFd journal;                  // the same directory as the machine's, detached and writable
    UniqueFd devpts;                   // root directory of the instance
    std::vector<UniqueFd> for_payload; // detached, for the payload's Extra steps, in their order
};

struct HostSideSurroundings {
    const MachineSpec& spec;
    BorrowedFd root;           // of the tree, attached in the current mount namespace
    BorrowedFd user_namespace; // none if the machine has the host's users
    const Pidfd& leader;       // whose network namespace sysfs shall show
    std::vector<std::string>& undo_lines;
};

HostSideMounts apply_host_side(const MountPlan& plan, const HostSideSurroundings& surroundings);

// In the machine's own namespaces, before its root is entered: procfs needs a procfs in sight to be mountable.
void apply_payload_side(const MountPlan& plan, BorrowedFd root, std::vector<UniqueFd> prepared);

} // namespace machinist
