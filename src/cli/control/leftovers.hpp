// SPDX-License-Identifier: LGPL-2.1-or-later
// When what is left of images is deleted.
#pragma once

#include "cli/control/invocation.hpp"
#include "image/leftovers.hpp"

namespace machinist {

// After this program has ended, unless --wait was given: the caller has what was asked for.
void delete_behind(const Invocation& call, const Pool& pool, const Leftovers& leftovers);

} // namespace machinist
