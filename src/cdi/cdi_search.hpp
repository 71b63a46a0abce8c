// SPDX-License-Identifier: LGPL-2.1-or-later
// Specs of the Container Device Interface, found on the host and read.
#pragma once

#include "cdi/cdi_document.hpp"

#include <filesystem>
#include <span>
#include <vector>

namespace machinist {

// Where they may lie; later ones win.
inline const std::vector<std::filesystem::path> cdi_directories{"/etc/cdi", "/var/run/cdi"};

// A file that others than root have a hand in, or that has no meaning, is there with its problems: whether they matter
// is for compose_cdi() to tell.
std::vector<CdiSpec> read_cdi_specs(std::span<const std::filesystem::path> directories = cdi_directories);

// The nodes of the host, as they are now, say which devices they are: what a spec says otherwise is told. Another kind
// of device is a problem, as the specification has it; another number is a warning, because numbers change.
void compare_with_nodes(CdiPart& part);

// Nothing is read if there is no name.
CdiPart find_cdi_devices(std::span<const CdiName> names);

} // namespace machinist
