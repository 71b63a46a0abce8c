// SPDX-License-Identifier: LGPL-2.1-or-later
// A mount stack as one tree, with the owners that its machine shall see.
#pragma once

#include "base/unique_fd.hpp"
#include "image/map_owners.hpp"
#include "image/overlay.hpp"
#include "image/stack.hpp"

#include <optional>

namespace machinist {

struct StackMount {
    UniqueFd mount; // detached
    Ownership ownership = Ownership::off;
};

// layer: what is written goes there, else to the stack's own upper space if it is written to, else nowhere.
// The layers are attached below staging, a directory of a private mount namespace.
StackMount mount_stack(const Stack& stack, const RootOwnership& ownership, const std::optional<UpperLayer>& layer,
                       bool is_written, BorrowedFd staging);

} // namespace machinist
