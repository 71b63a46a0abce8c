// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/failure.hpp"
#include "image/image_lock.hpp"
#include "image/set_aside.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/cgroup_members.hpp"
#include "kernel/device_mapper.hpp"
#include "kernel/files.hpp"
#include "kernel/process.hpp"
#include "registry/recorded_leader.hpp"
#include "registry/remnants.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

std::filesystem::path aside(const std::filesystem::path& path) {
    return path.parent_path() / (".#removed." + path.filename().string() + "." + std::to_string(::getpid()));
}

void undo_run_directory(const std::filesystem::path& path, const Places& places) {
    const int status = run_program({places.supervisor_program.string(), "--undo", path.string()}).status;
    if (status != 0)
        throw Failure{FailureKind::busy, "undo '" + path.string() + "': '" +
                                             places.supervisor_program.filename().string() +
                                             " --undo' ended with status " + std::to_string(status)};
}

// Taken away first, looked at then: the name may have been given to a new machine meanwhile.
void remove_state_file(const std::filesystem::path& path) {
    const std::filesystem::path taken = aside(path);
    if (::rename(path.c_str(), taken.c_str()) < 0) {
        if (errno == ENOENT)
            return;
        throw system_failure("remove '" + path.string() + "'");
    }
    const auto record = parse_machine_record(read_file(taken));
    if (record && hold_leader(*record) &&
        ::renameat2(AT_FDCWD, taken.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0)
        return;
    if (::unlink(taken.c_str()) < 0)
        throw system_failure("remove '" + taken.string() + "'");
}

void remove_layer(const std::filesystem::path& path) {
    const std::filesystem::path taken = path.filename().string().starts_with(".#removed.") ? path : aside(path);
    if (taken != path && ::rename(path.c_str(), taken.c_str()) < 0) {
        if (errno == ENOENT)
            return;
        throw system_failure("set layer '" + path.string() + "' aside");
    }
    const UniqueFd pool = open_path(taken.parent_path(), O_RDONLY | O_DIRECTORY);
    const std::string name = taken.filename().string();
    const UniqueFd layer{::openat(pool.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (layer && btrfs::is_subvolume(layer))
        btrfs::remove_subvolume(pool, name);
    else
        remove_tree(pool, name);
}

void remove_cgroup(const std::filesystem::path& path) {
    const auto groups = processes_below(path);
    // A group goes after those below it.
    for (auto group = groups.rbegin(); group != groups.rend(); ++group)
        if (::rmdir(group->group.c_str()) < 0 && errno != ENOENT)
            throw system_failure("remove cgroup '" + group->group.string() + "'");
}

} // namespace

void remove_remnant(const Remnant& remnant, const Places& places) {
    switch (remnant.kind) {
    case RemnantKind::run_directory: return undo_run_directory(remnant.path, places);
    case RemnantKind::state_file: return remove_state_file(remnant.path);
    case RemnantKind::layer: return remove_layer(remnant.path);
    case RemnantKind::cgroup: return remove_cgroup(remnant.path);
    case RemnantKind::id_range_lock: remove_lock_file_if_free(remnant.path); return;
    case RemnantKind::image: return remove_set_aside(remnant.path);
    case RemnantKind::device: return remove_mapping(remnant.path.filename().string());
    }
}

} // namespace machinist
