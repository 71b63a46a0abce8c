// SPDX-License-Identifier: LGPL-2.1-or-later
// The root filesystem of a machine, composed from its image: layer, volatile mode, owners, pivot.
//
// Order of use, in the launcher's private mount namespace, with the host's users and all capabilities:
//   plan = plan_layer(...); record plan.undo_lines; root = compose_root(...);
//   make_base_directories(root.mount) as the machine's root; mounts beneath root.mount; seal_root(root).
// Descriptors that were opened before that namespace was entered cannot be mounted from in it.
#pragma once

#include "base/unique_fd.hpp"
#include "image/disk_keys.hpp"
#include "image/layer.hpp"
#include "image/map_owners.hpp"
#include "spec/machine_spec.hpp"

#include <string>
#include <vector>

namespace machinist {

struct RootMount {
    // The top of the new root (O_PATH), attached at "root" below the staging directory. Private and nodev, as are all
    // mounts in it.
    UniqueFd mount;
    LayerKind layer = LayerKind::none;    // what is there in fact
    Ownership ownership = Ownership::off; // what was done: off, map, foreign or chown
    bool seal_read_only = false;          // see seal_root()
    std::vector<std::string> warnings;    // what the machine starts without
};

// A directory that composed roots are attached in. It stays empty for the host: everything is mounted in the private
// mount namespace of one launcher, so all launchers share it. Call it after entering the private namespace.
UniqueFd open_staging_directory(const Path& path = "/run/machinist/staging");

// Throws Failure; what was made on disk until then is undone by the lines of the plan.
RootMount compose_root(const RootSpec& spec, const RootOwnership& ownership, BorrowedFd staging, const LayerPlan& plan,
                       DiskKeys& keys);
// The same for what is not encrypted.
RootMount compose_root(const RootSpec& spec, const RootOwnership& ownership, BorrowedFd staging, const LayerPlan& plan);

// Makes a --read-only root read-only. Separate, because missing mount points are made before (as nspawn does).
// What was mounted on it since stays as it is. Nothing to do for all other roots.
void seal_root(const RootMount& root);

} // namespace machinist
