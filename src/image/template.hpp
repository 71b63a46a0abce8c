// SPDX-License-Identifier: LGPL-2.1-or-later
// A new image from a template, there whole or not at all.
#pragma once

#include "spec/machine_spec.hpp"

#include <filesystem>

namespace machinist {

// directory becomes a snapshot of source, or else a copy that shares its extents, or else a full copy.
// Nothing to do if directory exists already (as with systemd-nspawn). Returns how it was made: none, snapshot,
// reflink or copy.
LayerKind make_from_template(const std::filesystem::path& source, const std::filesystem::path& directory);

} // namespace machinist
