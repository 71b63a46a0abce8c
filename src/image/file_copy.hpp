// SPDX-License-Identifier: LGPL-2.1-or-later
// Whole copies of single files of the host, sharing extents where the filesystem can.
#pragma once

#include "spec/machine_spec.hpp"

#include <filesystem>

namespace machinist {

// to is there whole, with mode and holes of from, or not at all. Failure(already_exists) if there is one.
// How it was made: reflink or copy.
LayerKind copy_file_whole(const std::filesystem::path& from, const std::filesystem::path& to);

} // namespace machinist
