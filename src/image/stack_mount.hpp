// SPDX-License-Identifier: LGPL-2.1-or-later
// A mount stack as one tree, with the owners that its machine shall see.
#pragma once

#include "base/unique_fd.hpp"
#include "image/map_owners.hpp"
#include "image/overlay.hpp"
#include "image/stack.hpp"

namespace machinist {

struct StackMount {
    UniqueFd mount; // attached at "stack" below staging, with all that is bound into it
    Ownership ownership = Ownership::off;
};

// instance: everything that is written goes there. Without one it goes to the stack's own upper space and to what it
// binds if it is written to, else nowhere. The parts are attached below staging, a directory of a private mount
// namespace.
StackMount mount_stack(const Stack& stack, const RootOwnership& ownership, UpperSpace* instance, bool is_written,
                       BorrowedFd staging);

} // namespace machinist
