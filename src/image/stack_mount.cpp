// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/stack_mount.hpp"

#include "base/failure.hpp"
#include "image/shift_ownership.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "kernel/user_namespace.hpp"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <linux/mount.h>
#include <string>
#include <sys/stat.h>
#include <utility>
#include <vector>

namespace machinist {

namespace {

constexpr std::uint64_t propagation_private = 1UL << 18; // MS_PRIVATE

UniqueFd place_of_layer(BorrowedFd staging, std::size_t number) {
    const std::string name = "layer-" + std::to_string(number);
    if (::mkdirat(staging.get(), name.c_str(), 0755) < 0 && errno != EEXIST)
        throw system_failure("make directory '" + name + "' for mounts");
    return open_beneath(staging, name, O_PATH | O_DIRECTORY, Links::refuse);
}

// An overlay cannot map owners, the trees in it can. Each has its own: it may have been written by another machine.
Ownership map_layer(BorrowedFd tree, const RootOwnership& wanted, std::uint32_t owner) {
    const OwnerPlan plan = plan_owners(wanted, owner);
    if (plan.ownership == Ownership::off)
        return Ownership::off;
    const std::array<IdMap, 1> ids{plan.map};
    UniqueFd made;
    BorrowedFd user_namespace = wanted.user_namespace;
    if (!user_namespace || plan.map.inside != 0) {
        made = make_user_namespace(ids, ids);
        user_namespace = made;
    }
    if (plan.ownership == Ownership::chown || !map_owners(tree, user_namespace, {}))
        throw Failure{FailureKind::not_supported,
                      "map the owners of the files in a mount stack: it can be done by the filesystem only"}
            .try_instead("--private-users-ownership=auto on a filesystem that can, or --private-users=no");
    return plan.ownership;
}

// What is written carries the machine's own ids on disk: the upper tree of an overlay cannot be mapped.
UpperLayer own_layer(const std::filesystem::path& directory, const RootOwnership& wanted) {
    UpperLayer layer = open_kept_layer(open_path(directory, O_RDONLY | O_DIRECTORY));
    const bool as_it_is = wanted.ownership == Ownership::off && wanted.base != 0;
    if (!layer.is_new && !as_it_is)
        shift_ownership(layer.upper, wanted.base);
    return layer;
}

} // namespace

StackMount mount_stack(const Stack& stack, const RootOwnership& ownership, const std::optional<UpperLayer>& layer,
                       bool is_written, BorrowedFd staging) {
    return doing("mount the layers", [&] {
        std::vector<std::filesystem::path> trees{stack.layers.rbegin(), stack.layers.rend()};
        const bool writes_own = is_written && !layer && stack.upper_space;
        struct stat status {};
        if (!writes_own && stack.upper_space && ::stat((*stack.upper_space / "data").c_str(), &status) == 0)
            trees.insert(trees.begin(), *stack.upper_space / "data");

        StackMount result;
        std::vector<UniqueFd> lowers;
        for (const auto& path : trees) {
            const UniqueFd directory = open_path(path, O_PATH | O_DIRECTORY);
            UniqueFd tree = clone_mount(directory, false);
            change_mount(tree, {.set = MOUNT_ATTR_NODEV | MOUNT_ATTR_RDONLY, .propagation = propagation_private});
            const Ownership done = map_layer(tree, ownership, status_of(directory).st_uid);
            result.ownership = done == Ownership::off ? result.ownership : done;
            attach_mount(tree, place_of_layer(staging, lowers.size()));
            lowers.push_back(std::move(tree));
        }
        const std::vector<BorrowedFd> borrowed{lowers.begin(), lowers.end()};
        if (layer)
            result.mount = make_overlay(borrowed, *layer, {});
        else if (writes_own)
            result.mount = make_overlay(borrowed, own_layer(*stack.upper_space, ownership), {.keep = true});
        else
            result.mount = lowers.size() == 1 ? clone_mount(lowers[0], false) : make_read_only_overlay(borrowed);
        return result;
    });
}

} // namespace machinist
