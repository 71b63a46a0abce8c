// SPDX-License-Identifier: LGPL-2.1-or-later
// How the owners on disk become the ids of a machine.
#pragma once

#include "base/unique_fd.hpp"
#include "kernel/user_namespace.hpp"
#include "spec/machine_spec.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace machinist {

// Which ids the machine's users have on the host.
struct RootOwnership {
    Ownership ownership = Ownership::off;
    std::uint32_t base = 0;
    std::uint32_t size = 65536;
    // Maps 0 .. size-1 to base .. base+size-1: the machine's own one will do. -1: one is made when it is needed.
    BorrowedFd user_namespace;
    // The tree is this user's (image/owned_tree.hpp); nothing else above counts but base.
    std::optional<PlainUser> owner = {};
    // SELinux, of what forgets changes in memory; empty: as the policy has it.
    std::string memory_label = {};
};

// Images on disk whose files belong to this range belong to whoever starts them.
inline constexpr std::uint32_t foreign_range = 2147352576;

struct OwnerPlan {
    Ownership ownership = Ownership::off; // off, map, foreign or chown
    IdMap map;                            // map, foreign: ids on disk -> ids on the host
    bool may_change_owners = false;       // if the filesystem cannot map
};

// Pure. owner: of the tree's top.
OwnerPlan plan_owners(const RootOwnership& wanted, std::uint32_t owner);

// mount is detached; submounts lie in it. What is mounted below and cannot map stays as it is.
// False if mount itself cannot map.
bool map_owners(BorrowedFd mount, BorrowedFd user_namespace, const std::vector<std::filesystem::path>& submounts);

} // namespace machinist
