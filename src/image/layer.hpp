// SPDX-License-Identifier: LGPL-2.1-or-later
// Instance layers: where a machine writes so that its image stays as it is.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/machine_spec.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace machinist {

// Decided before anything exists, so that the way to undo it can be written down first.
struct LayerPlan {
    LayerKind kind = LayerKind::none;
    // disk: holds upper and work; snapshot, reflink, copy: the instance's own tree; else empty
    Path directory;
    std::vector<std::string> undo_lines; // grammar in spec/run_directory.hpp
};

inline constexpr std::string_view layer_pool = "/var/lib/machinist/layers";

// key: of the machine's run directory; names the layer. Nothing is made, asked or checked.
LayerPlan plan_layer(const RootSpec& spec, std::string_view key, const Path& pool = layer_pool);

// snapshot, reflink, copy: makes plan.directory from the image. Nothing to do for other kinds.
void make_instance_tree(const Path& image, const LayerPlan& plan);

// Where the upper and work directories of an overlay lie.
struct UpperLayer {
    UniqueFd upper;
    UniqueFd work;
    bool discarded = false; // nobody misses it after a crash of the host
};
// A fresh tmpfs, attached at place (a directory of a private mount namespace).
// size and inodes as tmpfs(5) writes them; empty: the kernel's default, half of the memory.
UpperLayer make_upper_in_memory(BorrowedFd place, const std::string& size = "", const std::string& inodes = "");
// Fails with a remedy where the filesystem cannot hold an upper.
UpperLayer make_upper_on_disk(const Path& directory);

// An overlay of upper on lower, whose root looks like the root of lower (owner, mode, attributes). Both must be
// attached in this mount namespace: kernels before 6.15 refuse detached ones. The result is detached.
UniqueFd make_overlay(BorrowedFd lower, const UpperLayer& upper, bool metadata_only_copies = false);

} // namespace machinist
