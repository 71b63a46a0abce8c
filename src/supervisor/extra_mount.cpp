// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/extra_mount.hpp"

#include "base/failure.hpp"
#include "kernel/files.hpp"
#include "kernel/mounts.hpp"
#include "kernel/user_namespace.hpp"
#include "spec/mount_plan.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <linux/mount.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#include <vector>

namespace machinist {

namespace {

constexpr std::uint64_t propagation_private = 1UL << 18; // MS_PRIVATE; <sys/mount.h> clashes with <linux/mount.h>

// An empty directory of the host that goes with the machine.
UniqueFd make_temporary_directory(const ExtraMountSurroundings& around, std::string pattern, mode_t mode) {
    if (!::mkdtemp(pattern.data()))
        throw system_failure("make temporary directory '" + pattern + "'");
    around.undo_lines.push_back("tree " + pattern);
    UniqueFd directory = open_path(pattern, O_RDONLY | O_DIRECTORY);
    const std::uint32_t owner = around.spec.users.kind == UserNamespaceKind::none ? 0 : around.spec.users.base;
    if (::fchown(directory.get(), owner, owner) < 0 || ::fchmod(directory.get(), mode) < 0)
        throw system_failure("give temporary directory '" + pattern + "' to the machine");
    return directory;
}

UniqueFd open_source(const MountSource& source, const ExtraMountSurroundings& around) {
    if (source.is_temporary())
        return make_temporary_directory(around, "/var/tmp/machinist-temp-XXXXXX", 0755);
    if (source.in_image)
        return open_beneath(around.root, source.path, O_PATH, Links::inside_root);
    return open_path(source.path, O_PATH);
}

// The user namespace whose inside ids are the ones on the disk and whose outside ids are those of the machine.
UniqueFd mapping_for(const ExtraMount& wanted, BorrowedFd source, const ExtraMountSurroundings& around) {
    const struct stat source_status = status_of(source);
    const std::uint32_t base = around.spec.users.kind == UserNamespaceKind::none ? 0 : around.spec.users.base;
    std::uint32_t uid = base;
    std::uint32_t gid = base;
    if (wanted.id_mapping == IdMapping::destination_owner) {
        const auto destination =
            open_beneath_if_exists(around.root, wanted.destination, O_PATH | O_NOFOLLOW, Links::inside_root);
        if (!destination)
            throw Failure{FailureKind::not_found, "map the owner of '" + wanted.source.path.string() +
                                                      "' onto that of '" + wanted.destination.string() +
                                                      "', which does not exist in the machine"};
        const struct stat status = status_of(*destination);
        uid = status.st_uid;
        gid = status.st_gid;
    }
    const IdMap users{.inside = source_status.st_uid, .outside = uid, .count = 1};
    const IdMap groups{.inside = source_status.st_gid, .outside = gid, .count = 1};
    return make_user_namespace(std::array{users}, std::array{groups});
}

// Ids beyond the machine's range are those of somebody else.
std::vector<IdMap> seen_in_machine(const std::vector<OwnerRange>& ranges, bool seen_by_host, const UserSpec& users) {
    const bool is_shifted = !seen_by_host && users.kind != UserNamespaceKind::none;
    std::vector<IdMap> maps;
    for (const OwnerRange& range : ranges) {
        if (is_shifted && (range.count > users.size || range.seen > users.size - range.count))
            throw Failure{FailureKind::invalid, "show owners as the ids from " + std::to_string(range.seen) +
                                                    " on: the machine has no more than " + std::to_string(users.size)};
        maps.push_back(
            {.inside = range.on_disk, .outside = range.seen + (is_shifted ? users.base : 0), .count = range.count});
    }
    return maps;
}

void map_owners(const ExtraMount& wanted, BorrowedFd source, BorrowedFd mount, const ExtraMountSurroundings& around) {
    if (wanted.owner_map) {
        const auto& [users, groups, seen_by_host] = *wanted.owner_map;
        const UniqueFd mapping = make_user_namespace(seen_in_machine(users, seen_by_host, around.spec.users),
                                                     seen_in_machine(groups, seen_by_host, around.spec.users));
        return change_mount(mount, {.idmap = mapping, .recursive = wanted.recursive});
    }
    if (wanted.id_mapping == IdMapping::none)
        return;
    if (wanted.id_mapping == IdMapping::same) {
        if (around.user_namespace)
            change_mount(mount, {.idmap = around.user_namespace, .recursive = wanted.recursive});
        return;
    }
    const UniqueFd mapping = mapping_for(wanted, source, around);
    change_mount(mount, {.idmap = mapping, .recursive = wanted.recursive});
}

PreparedMount prepare_bind(const ExtraMount& wanted, const ExtraMountSurroundings& around) {
    const UniqueFd source = open_source(wanted.source, around);
    PreparedMount prepared{.mount = clone_mount(source, wanted.recursive),
                           .is_directory = S_ISDIR(status_of(source).st_mode)};
    map_owners(wanted, source, prepared.mount, around);
    if (const std::uint64_t set = wanted.attributes | (wanted.read_only ? MOUNT_ATTR_RDONLY : 0U); set != 0)
        change_mount(prepared.mount, {.set = set, .recursive = wanted.recursive});
    return prepared;
}

struct MountWord {
    std::string_view word;
    std::uint64_t set;
    std::uint64_t clear;
};
// Of mount(8): words that are about the mount and not about the filesystem.
constexpr MountWord mount_words[] = {{"ro", MOUNT_ATTR_RDONLY, 0},
                                     {"rw", 0, MOUNT_ATTR_RDONLY},
                                     {"nosuid", MOUNT_ATTR_NOSUID, 0},
                                     {"suid", 0, MOUNT_ATTR_NOSUID},
                                     {"nodev", MOUNT_ATTR_NODEV, 0},
                                     {"dev", 0, MOUNT_ATTR_NODEV},
                                     {"noexec", MOUNT_ATTR_NOEXEC, 0},
                                     {"exec", 0, MOUNT_ATTR_NOEXEC},
                                     {"noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR_STRICTATIME},
                                     {"relatime", 0, MOUNT_ATTR_STRICTATIME},
                                     {"strictatime", MOUNT_ATTR_STRICTATIME, 0},
                                     {"defaults", 0, 0}};

PreparedMount prepare_tmpfs(const ExtraMount& wanted, const ExtraMountSurroundings& around) {
    FilesystemOptions options{.attributes = MOUNT_ATTR_NODEV | MOUNT_ATTR_STRICTATIME};
    bool has_owner = false;
    bool has_label = false;
    for (std::string_view rest = wanted.tmpfs_options; !rest.empty();) {
        const std::string_view word = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), word.size() + 1));
        const auto* known = std::ranges::find(mount_words, word, &MountWord::word);
        if (known != std::end(mount_words)) {
            options.attributes = (options.attributes & ~known->clear) | known->set;
            continue;
        }
        const auto equals = word.find('=');
        const std::string key{word.substr(0, equals)};
        has_owner = has_owner || key == "uid" || key == "gid";
        has_label = has_label || key == "context";
        options.options.emplace_back(key, equals == std::string_view::npos ? "" : word.substr(equals + 1));
    }
    if (!has_owner && around.spec.users.kind != UserNamespaceKind::none)
        for (const char* key : {"uid", "gid"})
            options.options.emplace_back(key, std::to_string(around.spec.users.base));
    if (!has_label)
        options.options = with_api_label(std::move(options.options), around.spec);
    return {.mount = make_filesystem("tmpfs", options), .is_directory = true};
}

// Overlayfs wants it empty, on the same filesystem as the upper directory, and not below it.
UniqueFd make_work_directory(const MountSource& upper, BorrowedFd opened, const ExtraMountSurroundings& around) {
    if (upper.in_image || upper.is_temporary())
        // Its own path is not known to the host, or is a directory of ours: beside it by descriptor.
        return make_temporary_directory(
            around, std::filesystem::read_symlink(path_of_descriptor(opened)).string() + ".work-XXXXXX", 0700);
    return make_temporary_directory(
        around, (upper.path.parent_path() / (".#" + upper.path.filename().string() + "XXXXXX")).string(), 0700);
}

PreparedMount prepare_overlay(const ExtraMount& wanted, const ExtraMountSurroundings& around) {
    FilesystemOptions options;
    std::vector<UniqueFd> layers;
    // The request lists the lowest first, the kernel wants it last.
    std::string lower;
    for (auto source = wanted.lower.rbegin(); source != wanted.lower.rend(); ++source) {
        layers.push_back(open_source(*source, around));
        lower += (lower.empty() ? "" : ":") + path_of_descriptor(layers.back());
    }
    options.options.emplace_back("lowerdir", lower);
    if (wanted.upper) {
        layers.push_back(open_source(*wanted.upper, around));
        options.options.emplace_back("upperdir", path_of_descriptor(layers.back()));
        UniqueFd work = make_work_directory(*wanted.upper, layers.back(), around);
        options.options.emplace_back("workdir", path_of_descriptor(work));
        layers.push_back(std::move(work));
    }
    PreparedMount prepared{.mount = make_filesystem("overlay", options), .is_directory = true};
    if (wanted.read_only)
        change_mount(prepared.mount, {.set = MOUNT_ATTR_RDONLY});
    return prepared;
}

} // namespace

PreparedMount prepare_extra_mount(const ExtraMount& wanted, const ExtraMountSurroundings& around) {
    switch (wanted.kind) {
    case ExtraMountKind::bind: return prepare_bind(wanted, around);
    case ExtraMountKind::tmpfs: return prepare_tmpfs(wanted, around);
    case ExtraMountKind::overlay: return prepare_overlay(wanted, around);
    case ExtraMountKind::inaccessible:
    case ExtraMountKind::read_only: break;
    }
    throw Failure{FailureKind::internal, "prepare what acts on what is there as a mount of its own"};
}

void mount_on_the_root(RootMount& root, const MachineSpec& spec, BorrowedFd user_namespace,
                       std::vector<std::string>& undo_lines) {
    for (const ExtraMount& wanted : spec.extra_mounts) {
        // A root that shall only be read-only is that already (RootSpec::read_only).
        if (!is_on_the_root(wanted) || wanted.kind == ExtraMountKind::read_only)
            continue;
        doing("mount '/'", [&] {
            PreparedMount prepared = prepare_extra_mount(
                wanted, {.spec = spec, .root = root.mount, .user_namespace = user_namespace, .undo_lines = undo_lines});
            if (!prepared.is_directory)
                throw Failure{FailureKind::invalid,
                              "'" + wanted.source.path.string() + "' is no directory and cannot be a machine's root"};
            change_mount(prepared.mount,
                         {.set = MOUNT_ATTR_NODEV, .propagation = propagation_private, .recursive = true});
            attach_mount(prepared.mount, root.mount);
            root.mount = std::move(prepared.mount);
        });
        // The image stays as it is; whether this may be written is said by the mount itself.
        root.seal_read_only = false;
    }
}

} // namespace machinist
