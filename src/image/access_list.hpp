// SPDX-License-Identifier: LGPL-2.1-or-later
// The ids in a POSIX access list, in the form the kernel keeps as an extended attribute. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace machinist {

// Named users and groups become base + the lower 16 bits. False if nothing changed or it is no access list.
bool shift_access_list(std::string& attribute, std::uint32_t base);

} // namespace machinist
