// SPDX-License-Identifier: LGPL-2.1-or-later
// Resolving what is mounted: the tree, the layer above it, and what the administrator adds.
#include "spec/resolving.hpp"

#include "base/text.hpp"
#include "spec/mount_plan.hpp"

#include <algorithm>

namespace machinist::resolving {

bool Resolving::has_root_mount() const {
    return std::ranges::any_of(spec.extra_mounts, is_on_the_root);
}

bool Resolving::etc_is_writable() const {
    switch (spec.root.volatile_mode) {
    case VolatileMode::no: return !spec.root.read_only;
    case VolatileMode::state: return false;
    case VolatileMode::yes:
    case VolatileMode::overlay: break;
    }
    return true;
}

void extra_mounts(Resolving& r) {
    r.spec.extra_mounts = r.host.cdi.mounts;
    if (r.settings.extra_mounts)
        r.spec.extra_mounts.insert(r.spec.extra_mounts.end(), r.settings.extra_mounts->begin(),
                                   r.settings.extra_mounts->end());
    // Component by component, so that what lies below a mount is not covered by it. Equal ones stay as written.
    std::ranges::stable_sort(r.spec.extra_mounts, {}, &ExtraMount::destination);
    for (const ExtraMount& mount : r.spec.extra_mounts)
        if (is_on_the_root(mount) && mount.kind == ExtraMountKind::inaccessible)
            r.problem("--inaccessible", "--inaccessible=/ leaves nothing that could be started",
                      "the directories that shall be hidden");
}

namespace {

LayerKind layer_of(Resolving& r) {
    const LayerChoice choice = r.settings.layer.value_or(LayerChoice::automatic);
    if (r.settings.layer && !r.ephemeral())
        r.problem("--layer", "--layer has a meaning with --ephemeral only", "--ephemeral beside it");
    if (!r.ephemeral())
        return LayerKind::none;
    if (r.image.disk && choice == LayerChoice::snapshot)
        r.problem("--layer", "--layer=snapshot: a disk image has no snapshots", "--layer=reflink or --layer=auto");
    else if (r.image.disk && choice == LayerChoice::automatic)
        return LayerKind::tmpfs;
    switch (choice) {
    case LayerChoice::tmpfs: return LayerKind::tmpfs;
    case LayerChoice::disk: return LayerKind::disk;
    case LayerChoice::reflink: return LayerKind::reflink;
    case LayerChoice::copy: return LayerKind::copy;
    case LayerChoice::snapshot:
        if (!r.image.is_btrfs_subvolume && !r.image.disk)
            r.problem("--layer",
                      "--layer=snapshot: '" + escaped_for_people(r.image.directory.native()) +
                          "' is no btrfs subvolume",
                      "--layer=auto");
        return LayerKind::snapshot;
    case LayerChoice::automatic: break;
    }
    const bool is_of_plain_user = r.settings.users && r.settings.users->owner;
    return r.image.is_btrfs_subvolume && !is_of_plain_user ? LayerKind::snapshot : LayerKind::tmpfs;
}

void check_template(Resolving& r) {
    if (!r.request.make_from)
        return;
    if (!r.request.directory && !r.request.machine)
        r.problem("--template", "--template needs to know which directory to make", "--directory=PATH beside it");
    if (r.ephemeral())
        r.problem("--template", "--template and --ephemeral exclude each other",
                  "--ephemeral --directory=" + escaped_for_people(r.request.make_from->native()));
}

void check_disk(Resolving& r) {
    if (r.image.disk || !r.image.exists)
        return;
    if (r.settings.root_hash || r.settings.verity_data)
        r.problem("--root-hash", "--root-hash: a directory has no root hash", "a disk image");
    if (r.settings.image_policy)
        r.warn("--image-policy", "--image-policy: a directory has no partitions, so it has no meaning");
}

// What has to be there before anything is made. A pivoted or covered root shows only when it is mounted.
void check_tree(Resolving& r) {
    const std::string tree = "'" + escaped_for_people(r.image.directory.native()) + "'";
    if (!r.image.exists) {
        if (r.request.image)
            r.problem(FailureKind::not_found, "--image", "the disk image " + tree + " does not exist");
        else
            r.problem(FailureKind::not_found, r.request.directory ? "--directory" : "--machine",
                      "the directory " + tree + " does not exist", "--template=PATH to make it");
        return;
    }
    const bool check = r.environment_flag("SYSTEMD_NSPAWN_CHECK_OS_RELEASE", true);
    if (!check || r.spec.root.pivot_new || r.has_root_mount() || r.settings.bundle)
        return;
    const std::string remedy = "another directory, or SYSTEMD_NSPAWN_CHECK_OS_RELEASE=0 to start all the same";
    if (r.boots() && r.image.os_release.empty())
        r.problem(FailureKind::not_found, "--boot",
                  "--boot: " + tree + " has neither /etc/os-release nor /usr/lib/os-release, so it is no system",
                  remedy);
    else if (r.boots() && r.image.init.path.empty())
        r.problem(FailureKind::not_found, "--boot",
                  "--boot: " + tree + " has no init (/usr/lib/systemd/systemd, /lib/systemd/systemd, /sbin/init)",
                  remedy);
    else if (r.boots() &&
             r.image.init.systemd_version.value_or(first_systemd_with_cgroup2) < first_systemd_with_cgroup2)
        r.problem(FailureKind::not_supported, "--boot",
                  "--boot: systemd " + std::to_string(*r.image.init.systemd_version) + " of " + tree +
                      " cannot boot on control groups of version 2, the only ones that machines have",
                  "a command instead of --boot, or a newer system");
    else if (!r.boots() && !r.image.has_usr)
        r.problem(FailureKind::not_found, "--directory",
                  (r.image.disk ? "the disk image " : "the directory ") + tree + " has no /usr, so it is no system",
                  remedy);
}

} // namespace

void root(Resolving& r) {
    RootSpec& root = r.spec.root;
    root.directory = r.image.directory;
    root.disk = r.image.disk;
    root.volatile_mode = r.settings.volatile_mode.value_or(VolatileMode::no);
    root.layer = layer_of(r);
    if (r.settings.pivot_root) {
        root.pivot_new = r.settings.pivot_root->new_root;
        root.pivot_old = r.settings.pivot_root->old_root;
    }
    root.read_only = r.settings.read_only.value_or(false) || root.volatile_mode != VolatileMode::no ||
                     r.has_root_mount() || (r.image.read_only && root.layer == LayerKind::none);
    check_template(r);
    check_disk(r);
    check_tree(r);
    const bool kept_unwritten =
        r.ephemeral() || root.volatile_mode == VolatileMode::yes || root.volatile_mode == VolatileMode::state;
    if (r.image.is_host_root && !kept_unwritten)
        r.problem("--directory", "the host's own root would be written by the machine",
                  "--ephemeral, --volatile=yes or --volatile=state beside it");
    r.spec.tmpfs_on_tmp = r.environment_flag("SYSTEMD_NSPAWN_TMPFS_TMP", true);
    r.spec.lock_image = r.environment_flag("SYSTEMD_NSPAWN_LOCK", true);
}

} // namespace machinist::resolving
