// SPDX-License-Identifier: LGPL-2.1-or-later
// The mounts that the administrator asked for: made detached, ready to be attached.
#pragma once

#include "base/unique_fd.hpp"
#include "image/root_mount.hpp"
#include "spec/machine_spec.hpp"

#include <string>
#include <vector>

namespace machinist {

struct ExtraMountSurroundings {
    const MachineSpec& spec;
    BorrowedFd root;           // of the machine's tree, attached in this mount namespace
    BorrowedFd user_namespace; // of the machine; none if it has the host's users
    std::vector<std::string>& undo_lines;
};

struct PreparedMount {
    UniqueFd mount;
    bool is_directory = true; // what its mount point must be
};

// Not for what acts on what is there: inaccessible, read_only. Temporary directories that it makes are added to
// undo_lines.
PreparedMount prepare_extra_mount(const ExtraMount& wanted, const ExtraMountSurroundings& surroundings);

// Those whose destination is the root itself, one on the other: the uppermost is the machine's root from then on.
// Nothing may be mounted in the root before.
void mount_on_the_root(RootMount& root, const MachineSpec& spec, BorrowedFd user_namespace,
                       std::vector<std::string>& undo_lines);

} // namespace machinist
