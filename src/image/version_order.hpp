// SPDX-License-Identifier: LGPL-2.1-or-later
// The order of versions, as the UAPI group's version format specification defines it. Pure.
#pragma once

#include <string_view>

namespace machinist {

// Below 0: one is older than other; 0: the same; above 0: one is newer.
int compare_versions(std::string_view one, std::string_view other);

} // namespace machinist
