// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/stack_mount.hpp"

#include "base/failure.hpp"
#include "image/disk_image.hpp"
#include "image/disk_mount.hpp"
#include "image/shift_ownership.hpp"
#include "kernel/files.hpp"
#include "kernel/filesystem_ids.hpp"
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

UniqueFd place_in(BorrowedFd staging, const std::string& name) {
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

class Assembly {
public:
    Assembly(const Stack& stack, const RootOwnership& ownership, UpperSpace* instance, bool is_written,
             BorrowedFd staging)
        : stack_(stack),
          ownership_(ownership),
          instance_(instance),
          is_written_(is_written && instance == nullptr),
          staging_(staging) {}

    StackMount assemble() {
        UniqueFd root = stack_.root             ? part(*stack_.root, stack_.root_is_read_only)
                        : stack_.layers.empty() ? empty_root()
                                                : layers();
        change_mount(root, {.propagation = propagation_private});
        attach_mount(root, place_in(staging_, "stack"));
        if (stack_.root && !stack_.layers.empty())
            bind_usr(root);
        for (const StackPart& wanted : stack_.parts)
            attach(root, wanted.destination, [&] { return part(wanted.source, wanted.read_only); });
        return {std::move(root), done_};
    }

private:
    // A tree of the stack with the machine's owners; detached.
    UniqueFd tree(const std::filesystem::path& path, bool writable) {
        const bool is_disk = is_disk_image(path);
        const UniqueFd directory = is_disk ? disk_tree(path, writable) : open_path(path, O_PATH | O_DIRECTORY);
        UniqueFd mount = clone_mount(directory, is_disk);
        change_mount(mount, {.set = MOUNT_ATTR_NODEV | (writable ? 0U : MOUNT_ATTR_RDONLY),
                             .propagation = propagation_private,
                             .recursive = is_disk});
        const Ownership done = map_layer(mount, ownership_, status_of(directory).st_uid);
        done_ = done == Ownership::off ? done_ : done;
        return mount;
    }

    UniqueFd disk_tree(const std::filesystem::path& image, bool writable) {
        const DiskSpec disk = inspect_disk(image);
        DiskKeys none;
        return mount_disk(image, disk, writable && can_be_written(image) ? DiskUse::write : DiskUse::read,
                          place_in(staging_, "disk-" + std::to_string(disks_++)), none)
            .top;
    }

    // An overlay wants what it lies on attached.
    UniqueFd lower(const std::filesystem::path& path) {
        if (is_disk_image(path) && inspect_disk(path).mounts.size() > 1)
            throw Failure{FailureKind::not_supported,
                          "use '" + path.string() +
                              "' as a layer: it has more than one filesystem, and a layer is one"};
        UniqueFd mount = tree(path, false);
        attach_mount(mount, place_in(staging_, "layer-" + std::to_string(lowers_++)));
        return mount;
    }

    UniqueFd part(const std::filesystem::path& path, bool read_only) {
        if (read_only || !is_written_)
            return !read_only && instance_ != nullptr ? make_overlay(lower(path), instance_->next())
                                                      : tree(path, false);
        return tree(path, true);
    }

    UniqueFd layers() {
        std::vector<std::filesystem::path> trees{stack_.layers.rbegin(), stack_.layers.rend()};
        const bool writes_own = is_written_ && stack_.upper_space;
        struct stat status {};
        if (!writes_own && stack_.upper_space && ::stat((*stack_.upper_space / "data").c_str(), &status) == 0)
            trees.insert(trees.begin(), *stack_.upper_space / "data");
        std::vector<UniqueFd> opened;
        for (const auto& path : trees)
            opened.push_back(lower(path));
        const std::vector<BorrowedFd> borrowed{opened.begin(), opened.end()};
        if (instance_ != nullptr)
            return make_overlay(borrowed, instance_->next(), {});
        if (writes_own)
            return make_overlay(borrowed, own_layer(*stack_.upper_space, ownership_), {.keep = true});
        return opened.size() == 1 ? clone_mount(opened[0], false) : make_read_only_overlay(borrowed);
    }

    [[nodiscard]] UniqueFd empty_root() const {
        const std::string base = std::to_string(ownership_.base);
        return make_filesystem("tmpfs", {.options = {{"mode", "0755"}, {"uid", base}, {"gid", base}, {"size", "1m"}},
                                         .attributes = MOUNT_ATTR_NODEV});
    }

    void bind_usr(BorrowedFd root) {
        const UniqueFd whole = layers();
        attach_mount(whole, place_in(staging_, "layers"));
        attach(root, "/usr",
               [&] { return clone_mount(open_beneath(whole, "usr", O_PATH | O_DIRECTORY, Links::refuse), false); });
    }

    template <typename Make>
    void attach(BorrowedFd root, const std::filesystem::path& destination, Make&& make) {
        auto place = open_beneath_if_exists(root, destination, O_PATH | O_DIRECTORY, Links::inside_root);
        if (!place) {
            const FilesystemIds as_machine{ownership_.base, ownership_.base};
            place = doing("make the place of a part of the stack",
                          [&] { return make_directories_beneath(root, destination, 0755, Links::inside_root); });
        }
        attach_mount(make(), *place);
    }

    const Stack& stack_;
    const RootOwnership& ownership_;
    UpperSpace* instance_;
    bool is_written_;
    BorrowedFd staging_;
    std::size_t lowers_ = 0;
    std::size_t disks_ = 0;
    Ownership done_ = Ownership::off;
};

} // namespace

StackMount mount_stack(const Stack& stack, const RootOwnership& ownership, UpperSpace* instance, bool is_written,
                       BorrowedFd staging) {
    return doing("mount the layers", [&] {
        return Assembly{stack, ownership, instance, is_written, staging}.assemble();
    });
}

} // namespace machinist
