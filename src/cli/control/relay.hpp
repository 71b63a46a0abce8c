// SPDX-License-Identifier: LGPL-2.1-or-later
// This terminal connected to another one, by a process of its own that is waited for.
#pragma once

#include "registry/entry.hpp"

namespace machinist {

// prepared: by prepare_relay().
void relay(const PreparedEntry& prepared);

} // namespace machinist
