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

// key: of the machine's run directory; names the layer. Makes nothing.
LayerPlan plan_layer(const RootSpec& spec, std::string_view key, const Path& pool = layer_pool);

// snapshot, reflink, copy: makes plan.directory from the image. Nothing to do for other kinds.
void make_instance_tree(const Path& image, const LayerPlan& plan);

} // namespace machinist
