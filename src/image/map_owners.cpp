// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/map_owners.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"

#include <cerrno>
#include <fcntl.h>

namespace machinist {

namespace {

constexpr std::uint32_t range_size = 65536;

bool is_within(std::uint32_t id, std::uint32_t base, std::uint32_t size) {
    return id >= base && id - base < size;
}

// EINVAL: the filesystem knows nothing of it; EPERM: the mount is mapped already, or not ours to map.
bool try_to_map(BorrowedFd mount, BorrowedFd user_namespace, bool recursive) {
    try {
        change_mount(mount, {.idmap = user_namespace, .recursive = recursive});
        return true;
    } catch (const Failure& failure) {
        if (failure.error_number() == EINVAL || failure.error_number() == EPERM || failure.error_number() == EOPNOTSUPP)
            return false;
        throw;
    }
}

} // namespace

OwnerPlan plan_owners(const RootOwnership& wanted, std::uint32_t owner) {
    OwnerPlan plan;
    // The identity needs nothing, and a tree that belongs to the range already neither.
    if (wanted.base == 0 || wanted.ownership == Ownership::off)
        return plan;
    plan.ownership = wanted.ownership;
    plan.map = {0, wanted.base, wanted.size};
    if (wanted.ownership == Ownership::foreign)
        plan.map.inside = foreign_range;
    if (wanted.ownership != Ownership::automatic)
        return plan;
    if (is_within(owner, wanted.base, wanted.size))
        return {};
    plan.may_change_owners = true;
    plan.ownership = Ownership::map;
    if (is_within(owner, foreign_range, range_size)) {
        plan.ownership = Ownership::foreign;
        plan.map.inside = foreign_range;
    } else if (owner % range_size == 0) {
        // Another machine's range, of a tree whose owners were changed once.
        plan.map.inside = owner;
    }
    return plan;
}

bool map_owners(BorrowedFd mount, BorrowedFd user_namespace, const std::vector<std::filesystem::path>& submounts) {
    if (try_to_map(mount, user_namespace, true))
        return true;
    // All or nothing: one that cannot has kept the others from it.
    if (submounts.empty() || !try_to_map(mount, user_namespace, false))
        return false;
    for (const auto& submount : submounts)
        if (const auto inner = open_beneath_if_exists(mount, submount, O_PATH, Links::refuse))
            try_to_map(*inner, user_namespace, false);
    return true;
}

} // namespace machinist
