// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/root_mount.hpp"

#include "base/failure.hpp"
#include "image/disk_mount.hpp"
#include "image/overlay.hpp"
#include "image/owned_tree.hpp"
#include "image/shift_ownership.hpp"
#include "image/stack_mount.hpp"
#include "image/submounts.hpp"
#include "kernel/files.hpp"
#include "kernel/filesystem_ids.hpp"
#include "kernel/mounts.hpp"
#include "kernel/syscalls.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <vector>

namespace machinist {

namespace {

constexpr std::uint64_t propagation_private = 1UL << 18; // MS_PRIVATE; <sys/mount.h> clashes with <linux/mount.h>

// As systemd-nspawn limits them.
constexpr const char* volatile_size = "25%";
constexpr const char* volatile_inodes = "1m";

// What is mounted there is replaced by the machine's own.
constexpr std::array<std::string_view, 5> replaced_directories{"proc", "sys", "dev", "run", "tmp"};

bool is_host_root(BorrowedFd directory) {
    const struct stat status = status_of(directory);
    const struct stat root = status_of(open_path("/", O_PATH));
    return status.st_dev == root.st_dev && status.st_ino == root.st_ino;
}

std::vector<Path> submounts_that_matter(BorrowedFd directory) {
    auto found = submounts_below(directory);
    std::erase_if(found, [](const Path& path) {
        return std::ranges::find(replaced_directories, path.begin()->string()) != replaced_directories.end();
    });
    return found;
}

bool is_read_only(BorrowedFd mount) {
    struct statvfs filesystem {};
    if (::fstatvfs(mount.get(), &filesystem) < 0)
        throw system_failure("look at a mount");
    return (filesystem.f_flag & ST_RDONLY) != 0;
}

// A directory of the staging directory to mount on.
UniqueFd place_in(BorrowedFd staging, const char* name) {
    if (::mkdirat(staging.get(), name, 0755) < 0 && errno != EEXIST)
        throw system_failure(std::string{"make directory '"} + name + "' for mounts");
    return open_beneath(staging, name, O_PATH | O_DIRECTORY, Links::refuse);
}

class Composer {
public:
    Composer(const RootSpec& spec, const RootOwnership& ownership, BorrowedFd staging, const LayerPlan& plan,
             DiskKeys& keys)
        : spec_(spec), ownership_(ownership), staging_(staging), plan_(plan), keys_(keys) {}

    RootMount compose() {
        make_instance_tree(spec_.directory, plan_);
        const bool has_own_tree =
            plan_.kind == LayerKind::snapshot || plan_.kind == LayerKind::reflink || plan_.kind == LayerKind::copy;
        const bool is_assembled = !has_own_tree && !ownership_.owner && is_stack(spec_.directory);
        const Path& source = has_own_tree ? plan_.directory : spec_.directory;
        const UniqueFd image = is_assembled       ? assemble_stack()
                               : spec_.disk       ? mount_the_disk(source)
                               : ownership_.owner ? open_owned_tree(source, *ownership_.owner)
                                                  : open_path(source, O_PATH | O_DIRECTORY);
        const UniqueFd top =
            open_beneath(image, spec_.pivot_new.value_or("/"), O_PATH | O_DIRECTORY, Links::inside_root);
        is_host_ = is_host_root(image);
        // A stack has its layer and its owners already.
        overlaid_ = !is_assembled && wants_layer();
        if (!is_assembled)
            owners_ = ownership_.owner ? OwnerPlan{.ownership = Ownership::map, .map = {}}
                                       : plan_owners(ownership_, status_of(top).st_uid);
        if (ownership_.owner)
            owned_maps_ = maps_of_owned_tree(*ownership_.owner, status_of(image).st_uid, ownership_.base);

        RootMount root;
        root.mount = spec_.volatile_mode == VolatileMode::yes ? compose_around_usr(top) : compose_whole(top);
        if (spec_.volatile_mode == VolatileMode::state)
            mount_memory_on_var(root.mount);
        if (spec_.pivot_old)
            attach_old_root(root.mount, image);
        root.layer = (overlaid_ || wants_layer()) && plan_.kind == LayerKind::none ? LayerKind::tmpfs : plan_.kind;
        root.ownership = is_assembled ? stack_ownership_ : owners_.ownership;
        root.warnings = std::move(warnings_);
        root.seal_read_only = spec_.read_only && spec_.volatile_mode == VolatileMode::no;
        return root;
    }

private:
    [[nodiscard]] bool wants_layer() const {
        return plan_.kind == LayerKind::tmpfs || plan_.kind == LayerKind::disk ||
               spec_.volatile_mode == VolatileMode::overlay;
    }

    UniqueFd mount_the_disk(const Path& image) {
        const bool is_written = !wants_layer() && tree_is_written();
        DiskTree tree = mount_disk(image, *spec_.disk, is_written ? DiskUse::write : DiskUse::read,
                                   place_in(staging_, "disk"), keys_);
        warnings_ = std::move(tree.warnings);
        return std::move(tree.top);
    }

    UniqueFd assemble_stack() {
        is_assembled_ = true;
        if (wants_layer())
            make_space();
        const bool is_written = !wants_layer() && tree_is_written();
        auto [mount, ownership] =
            mount_stack(read_stack(spec_.directory), ownership_, space_ ? &*space_ : nullptr, is_written, staging_);
        stack_ownership_ = ownership;
        return std::move(mount);
    }

    void make_space() {
        const bool is_volatile = spec_.volatile_mode != VolatileMode::no;
        space_ = plan_.kind == LayerKind::disk && !is_volatile
                     ? UpperSpace::on_disk(plan_.directory)
                     : UpperSpace::in_memory(place_in(staging_, "upper"), is_volatile ? volatile_size : "",
                                             is_volatile ? volatile_inodes : "");
    }

    [[nodiscard]] bool tree_is_written() const {
        return !overlaid_ && spec_.volatile_mode == VolatileMode::no && !spec_.read_only;
    }

    UniqueFd place(UniqueFd mount, const char* name) const {
        attach_mount(mount, place_in(staging_, name));
        return mount;
    }

    // directory of the image as a detached mount, with its owners as the machine shall see them, and its layer.
    UniqueFd tree_of(BorrowedFd directory) {
        if (owners_.ownership == Ownership::chown)
            return changed_tree_of(directory);
        UniqueFd tree = clone_of(directory);
        if (owned_maps_) {
            map_owned(tree);
        } else if (owners_.ownership != Ownership::off && !map(tree, directory)) {
            if (!owners_.may_change_owners)
                throw Failure{FailureKind::not_supported, "map the owners of the files in '" +
                                                              spec_.directory.string() + "': its filesystem cannot"}
                    .try_instead("--private-users-ownership=chown, or --private-users=no");
            owners_.ownership = Ownership::chown;
            return changed_tree_of(directory);
        }
        return overlaid_ ? overlay_on(std::move(tree), directory) : std::move(tree);
    }

    UniqueFd clone_of(BorrowedFd directory) const {
        // What others mounted in a user's tree is not the user's to give.
        const bool with_submounts = !owned_maps_ && (!is_host_ || spec_.volatile_mode == VolatileMode::yes);
        UniqueFd tree = clone_mount(directory, with_submounts);
        const bool sealed_now = overlaid_ || (spec_.volatile_mode != VolatileMode::no && !is_assembled_);
        // The top of a plain --read-only root is sealed later, but what is mounted below it has nothing to wait for.
        const bool top_stays_writable = spec_.read_only && !sealed_now && !is_read_only(tree);
        change_mount(tree, {.set = MOUNT_ATTR_NODEV | (sealed_now || spec_.read_only ? MOUNT_ATTR_RDONLY : 0U),
                            .propagation = propagation_private,
                            .recursive = true});
        if (top_stays_writable)
            change_mount(tree, {.clear = MOUNT_ATTR_RDONLY});
        return tree;
    }

    void map_owned(BorrowedFd tree) const {
        const UniqueFd ids = make_user_namespace(owned_maps_->users, owned_maps_->groups);
        if (!map_owners(tree, ids, {}))
            throw Failure{FailureKind::not_supported,
                          "map the owners of the files in '" + spec_.directory.string() + "': its filesystem cannot"}
                .try_instead("a directory on ext4, btrfs, XFS or tmpfs");
    }

    bool map(BorrowedFd tree, BorrowedFd directory) {
        UniqueFd made;
        BorrowedFd user_namespace = ownership_.user_namespace;
        if (!user_namespace || owners_.map.inside != 0) {
            const std::array<IdMap, 1> ids{owners_.map};
            made = make_user_namespace(ids, ids);
            user_namespace = made;
        }
        if (map_owners(tree, user_namespace, {}))
            return true;
        const auto submounts = submounts_that_matter(directory);
        return !submounts.empty() && map_owners(tree, user_namespace, submounts);
    }

    // The owners themselves change: in the tree if it may be written, else in a layer that costs only metadata.
    UniqueFd changed_tree_of(BorrowedFd directory) {
        if (tree_is_written()) {
            shift_ownership(clone_mount(directory, false), ownership_.base);
            return clone_of(directory);
        }
        metadata_only_copies_ = true;
        overlaid_ = true;
        UniqueFd tree = overlay_on(clone_of(directory), directory);
        shift_ownership(tree, ownership_.base);
        return tree;
    }

    UniqueFd overlay_on(UniqueFd lower, BorrowedFd directory) {
        lower_ = place(std::move(lower), "lower");
        if (!is_host_ && !owned_maps_)
            submounts_ = submounts_that_matter(directory);
        make_space();
        return overlay_of(lower_);
    }

    UniqueFd overlay_of(BorrowedFd lower) {
        UniqueFd overlay = make_overlay(lower, space_->next(), {metadata_only_copies_});
        change_mount(overlay, {.propagation = propagation_private});
        return overlay;
    }

    // An overlay shows one filesystem: what is mounted in the image gets layers of its own, or else stays read-only.
    void add_submounts(BorrowedFd root) {
        for (const Path& path : submounts_) {
            const auto below = open_beneath_if_exists(lower_, path, O_PATH, Links::refuse);
            const auto target = open_beneath_if_exists(root, path, O_PATH, Links::refuse);
            if (below && target)
                attach_mount(layered_submount(*below), *target);
        }
    }

    UniqueFd layered_submount(BorrowedFd below) {
        if (S_ISDIR(status_of(below).st_mode)) {
            try {
                return overlay_of(below);
            } catch (const Failure&) {
                // Not every filesystem can lie below an overlay.
            }
        }
        return clone_mount(below, false); // read-only like all below an overlay
    }

    [[nodiscard]] UniqueFd make_memory() const {
        const std::string base = std::to_string(ownership_.base);
        FilesystemOptions wanted{.options = {{"source", "machinist-volatile"},
                                             {"mode", "0755"},
                                             {"size", volatile_size},
                                             {"nr_inodes", volatile_inodes},
                                             {"uid", base},
                                             {"gid", base}},
                                 .attributes = MOUNT_ATTR_NODEV};
        if (!ownership_.memory_label.empty())
            wanted.options.emplace_back("context", ownership_.memory_label);
        return make_filesystem("tmpfs", wanted);
    }

    UniqueFd compose_whole(BorrowedFd top) {
        UniqueFd root = place(tree_of(top), "root");
        add_submounts(root);
        return root;
    }

    UniqueFd compose_around_usr(BorrowedFd top) {
        struct stat bin {};
        if (::fstatat(top.get(), "bin", &bin, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(bin.st_mode))
            throw Failure{FailureKind::invalid, "start '" + spec_.directory.string() + "' with --volatile=yes: its " +
                                                    "/bin is no symbolic link to /usr/bin, so /usr alone is no system"}
                .try_instead("--volatile=overlay");
        UniqueFd usr = tree_of(open_beneath(top, "usr", O_PATH | O_DIRECTORY, Links::inside_root));
        UniqueFd root = place(make_memory(), "root");
        const FilesystemIds as_machine{ownership_.base, ownership_.base};
        attach_mount(usr, make_directories_beneath(root, "usr", 0755, Links::refuse));
        add_submounts(usr);
        change_mount(usr, {.set = MOUNT_ATTR_RDONLY, .recursive = true});
        return root;
    }

    void mount_memory_on_var(BorrowedFd root) const {
        change_mount(root, {.set = MOUNT_ATTR_RDONLY, .recursive = true});
        const auto var = open_beneath_if_exists(root, "var", O_PATH | O_DIRECTORY, Links::refuse);
        if (!var)
            throw Failure{FailureKind::invalid,
                          "start '" + spec_.directory.string() + "' with --volatile=state: it has no directory /var"}
                .try_instead("--volatile=overlay");
        attach_mount(make_memory(), *var);
    }

    void attach_old_root(BorrowedFd root, BorrowedFd image) {
        UniqueFd old = clone_of(image);
        if (owners_.ownership == Ownership::map || owners_.ownership == Ownership::foreign)
            map(old, image);
        const FilesystemIds as_machine{ownership_.base, ownership_.base};
        attach_mount(old, make_directories_beneath(root, *spec_.pivot_old, 0755, Links::refuse));
    }

    const RootSpec& spec_;
    const RootOwnership& ownership_;
    BorrowedFd staging_;
    const LayerPlan& plan_;
    DiskKeys& keys_;
    OwnerPlan owners_;
    std::optional<OwnedTreeMaps> owned_maps_;
    Ownership stack_ownership_ = Ownership::off;
    bool is_host_ = false;
    bool is_assembled_ = false; // from a stack
    bool overlaid_ = false;
    bool metadata_only_copies_ = false;
    UniqueFd lower_;
    std::vector<std::string> warnings_;
    std::vector<Path> submounts_;
    std::optional<UpperSpace> space_;
};

} // namespace

UniqueFd open_staging_directory(const Path& path) {
    make_directories(path, 0700);
    return open_path(path, O_PATH | O_DIRECTORY);
}

RootMount compose_root(const RootSpec& spec, const RootOwnership& ownership, BorrowedFd staging, const LayerPlan& plan,
                       DiskKeys& keys) {
    return doing("make the root filesystem", [&] { return Composer{spec, ownership, staging, plan, keys}.compose(); });
}

RootMount compose_root(const RootSpec& spec, const RootOwnership& ownership, BorrowedFd staging,
                       const LayerPlan& plan) {
    DiskKeys none;
    return compose_root(spec, ownership, staging, plan, none);
}

void seal_root(const RootMount& root) {
    if (root.seal_read_only)
        change_mount(root.mount, {.set = MOUNT_ATTR_RDONLY});
}

} // namespace machinist
