// SPDX-License-Identifier: LGPL-2.1-or-later
// Which init a tree would boot, told by names and links within the tree; nothing in it is run.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/image_facts.hpp"

namespace machinist {

// Looks where --boot looks, in its order. Links are resolved as the machine itself would.
InitFacts detect_init(BorrowedFd root);

} // namespace machinist
