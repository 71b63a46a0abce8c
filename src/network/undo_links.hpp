// SPDX-License-Identifier: LGPL-2.1-or-later
// Undoes what a record of links tells, at a machine's end or before it starts again.
#pragma once

#include "base/unique_fd.hpp"
#include "network/link_record.hpp"

#include <string>
#include <vector>

namespace machinist {

enum class Zones { leave, close };

// The last line first, and all of them, whatever fails: what failed is told. machine_network: none if nobody holds it.
std::vector<std::string> undo_links(const std::vector<RecordedLink>& links, BorrowedFd machine_network, Zones zones);

} // namespace machinist
