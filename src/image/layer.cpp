// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/layer.hpp"

#include "base/failure.hpp"
#include "image/disk_image.hpp"
#include "image/file_copy.hpp"
#include "image/shift_ownership.hpp"
#include "image/stack.hpp"
#include "image/tree_copy.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/files.hpp"
#include "kernel/random_suffix.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace machinist {

namespace {

// A subvolume has a device number of its own without being a mount: only the mount's id tells.
std::uint64_t mount_of(const Path& path) {
    struct statx status {};
    if (::statx(AT_FDCWD, path.c_str(), AT_NO_AUTOMOUNT, STATX_MNT_ID, &status) < 0)
        throw system_failure("look at '" + path.string() + "'");
    return status.stx_mnt_id;
}

// Beside the image, or within it where its parent is another filesystem (as systemd-nspawn does).
Path instance_directory(const Path& image, std::string_view key) {
    const std::string name = ".#" + std::string{key} + "." + random_suffix();
    const Path parent = image.has_filename() ? image.parent_path() : image.parent_path().parent_path();
    if (!image.has_relative_path() || mount_of(image) != mount_of(parent))
        return image / name;
    return parent / name;
}

struct Place {
    UniqueFd parent;
    std::string name;
};

Place place_of(const Path& directory) {
    return {open_path(directory.parent_path(), O_RDONLY | O_DIRECTORY), directory.filename().string()};
}

Failure cannot_share(const Path& image, const char* what, const char* filesystems) {
    return Failure{FailureKind::not_supported, std::string{"make "} + what + " of '" + image.string() +
                                                   "': its filesystem cannot (" + filesystems + " can)"}
        .try_instead("--layer=tmpfs, --layer=disk or --layer=copy");
}

void make_instance_of_disk(const Path& image, const LayerPlan& plan) {
    const UniqueFd source = open_disk_image(image, O_RDONLY);
    if (!S_ISREG(status_of(source).st_mode))
        throw Failure{FailureKind::not_supported, "copy it: it is a block device"}.try_instead("--layer=tmpfs");
    const LayerKind made = copy_file_whole(image, plan.directory);
    if (plan.kind == LayerKind::reflink && made != LayerKind::reflink)
        throw cannot_share(image, "a copy that shares its extents", "btrfs and XFS");
}

} // namespace

LayerPlan plan_layer(const RootSpec& spec, std::string_view key, const Path& pool) {
    LayerPlan plan;
    // These modes never write to the tree: nothing would ever reach a layer.
    if (spec.volatile_mode == VolatileMode::yes || spec.volatile_mode == VolatileMode::state)
        return plan;
    plan.kind = spec.layer;
    switch (spec.layer) {
    case LayerKind::none:
    case LayerKind::tmpfs: break;
    case LayerKind::disk:
        // A volatile overlay covers everything: what would be on disk is in memory.
        if (spec.volatile_mode == VolatileMode::overlay) {
            plan.kind = LayerKind::tmpfs;
            break;
        }
        plan.directory = pool / key;
        plan.undo_lines.push_back("tree " + plan.directory.string());
        break;
    case LayerKind::snapshot:
        plan.directory = instance_directory(spec.directory, key);
        plan.undo_lines.push_back("subvolume " + plan.directory.string());
        break;
    case LayerKind::reflink:
    case LayerKind::copy:
        plan.directory = instance_directory(spec.directory, key);
        if (spec.disk)
            plan.directory += ".raw";
        plan.undo_lines.push_back((spec.disk ? "unlink " : "tree ") + plan.directory.string());
        break;
    }
    return plan;
}

void make_instance_tree(const Path& image, const LayerPlan& plan) {
    if (plan.kind != LayerKind::snapshot && plan.kind != LayerKind::reflink && plan.kind != LayerKind::copy)
        return;
    doing("make an instance of '" + image.string() + "'", [&] {
        if (is_disk_image(image))
            return make_instance_of_disk(image, plan);
        const UniqueFd source = open_image_tree(image);
        const Place place = place_of(plan.directory);
        if (plan.kind == LayerKind::snapshot) {
            if (!btrfs::is_subvolume(source))
                throw cannot_share(image, "a snapshot", "a btrfs subvolume");
            btrfs::make_snapshot(source, place.parent, place.name);
            return;
        }
        if (plan.kind == LayerKind::reflink && !can_share_extents(source, place.parent))
            throw cannot_share(image, "a copy that shares its extents", "btrfs and XFS");
        copy_tree(source, place.parent, place.name,
                  plan.kind == LayerKind::reflink ? Extents::shared : Extents::shared_if_possible);
        // On top of a stack the owners may be those of its machine, below they are not.
        if (is_stack(image))
            shift_ownership(open_beneath(place.parent, place.name, O_RDONLY | O_DIRECTORY, Links::refuse), 0);
    });
}

} // namespace machinist
