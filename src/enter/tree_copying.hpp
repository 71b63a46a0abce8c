// SPDX-License-Identifier: LGPL-2.1-or-later
// Copies a file or a tree between the host and a machine, by descriptors, no link followed below the two ends. The
// machine's side may change while it is read or written, and may be made to harm.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace machinist::enter {

struct CopyRules {
    bool replace = false;               // files that exist already; directories are always merged
    std::optional<std::uint32_t> owner; // whose all copies are, user and group; nothing: the numbers of the source
    bool privileged_modes = true;       // set-user-id, set-group-id
};

// An entry of a directory, to be called name in another. What appears there appears whole, files by rename. Device
// nodes are refused; pseudo filesystems (proc, sys, ...) in the tree become empty directories. Throws Failure.
void copy_entry(BorrowedFd from, const std::string& from_name, BorrowedFd into, const std::string& name,
                const CopyRules& rules);

} // namespace machinist::enter
