// SPDX-License-Identifier: LGPL-2.1-or-later
// What machines left that did not end in order: found by what owns it not being there, removed on request.
#pragma once

#include "base/enum_names.hpp"
#include "registry/places.hpp"

#include <filesystem>
#include <vector>

namespace machinist {

enum class RemnantKind { run_directory, state_file, layer, cgroup, id_range_lock, image, device };
inline constexpr EnumNames<RemnantKind, 7> remnant_kind_names{{{RemnantKind::run_directory, "run directory"},
                                                               {RemnantKind::state_file, "state file"},
                                                               {RemnantKind::layer, "layer"},
                                                               {RemnantKind::cgroup, "cgroup"},
                                                               {RemnantKind::id_range_lock, "id range lock"},
                                                               {RemnantKind::image, "part of an image"},
                                                               {RemnantKind::device, "device"}}};

struct Remnant {
    RemnantKind kind = RemnantKind::run_directory;
    std::filesystem::path path;
    const char* why = "";
    friend bool operator==(const Remnant& one, const Remnant& other) {
        return one.kind == other.kind && one.path == other.path;
    }
};

// In the order in which they are to be removed: undoing a run directory takes much of the rest with it.
// Files of other managers are never remnants of ours.
std::vector<Remnant> find_remnants(const Places& places);

// Gone already is success. Throws Failure.
void remove_remnant(const Remnant& remnant, const Places& places);

} // namespace machinist
