// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/remnants.hpp"

#include "base/failure.hpp"
#include "image/auxiliary_files.hpp"
#include "image/image_lock.hpp"
#include "image/set_aside.hpp"
#include "kernel/cgroup_members.hpp"
#include "kernel/device_mapper.hpp"
#include "kernel/file_locks.hpp"
#include "kernel/files.hpp"
#include "registry/recorded_leader.hpp"
#include "registry/run_directory_view.hpp"

#include <algorithm>
#include <fcntl.h>
#include <string>

namespace machinist {

namespace {

void add_run_directories(const Places& places, std::vector<Remnant>& found) {
    for (const std::string& key : names_in(places.run_directories)) {
        const auto view = RunDirectoryView::open(places.run_directories / key);
        if (!view || view->is_kept())
            continue;
        const auto leader = view->leader();
        const bool runs = leader && hold_leader(*leader);
        found.push_back({RemnantKind::run_directory, view->path(),
                         runs ? "its machine runs without supervisor" : "its machine has ended"});
    }
}

// Ours are known by the run directory that they name.
void add_state_files(const Places& places, std::vector<Remnant>& found) {
    for (const std::string& name : names_in(places.state_files)) {
        const std::filesystem::path path = places.state_files / name;
        const UniqueFd file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
        if (!file || !S_ISREG(status_of(file).st_mode))
            continue;
        const auto record = parse_machine_record(read_all(file, machine_record_limit + 1));
        if (!record || record->run_directory.empty() || hold_leader(*record))
            continue;
        const auto view = RunDirectoryView::open(record->run_directory);
        if (!view || !view->is_kept())
            found.push_back({RemnantKind::state_file, path, "its machine has ended"});
    }
}

bool lies_in(const std::filesystem::path& path, const std::filesystem::path& directory) {
    return std::mismatch(directory.begin(), directory.end(), path.begin(), path.end()).first == directory.end();
}

// Paths that a run directory will have undone.
std::vector<std::filesystem::path> owned_paths(const Places& places) {
    std::vector<std::filesystem::path> owned;
    for (const std::string& key : names_in(places.run_directories))
        if (const auto view = RunDirectoryView::open(places.run_directories / key))
            for (const std::string& line : view->undo_lines())
                if (const std::size_t blank = line.find(' '); blank != std::string::npos)
                    owned.emplace_back(line.substr(blank + 1));
    return owned;
}

bool is_owned(const std::filesystem::path& path, const std::vector<std::filesystem::path>& owned) {
    return std::ranges::any_of(owned, [&](const auto& other) { return lies_in(other, path) || lies_in(path, other); });
}

// A launcher makes machine.slice below its own group, wherever that is.
void add_empty_cgroups(const std::filesystem::path& group, int depth, std::vector<Remnant>& found) {
    constexpr int deepest = 8;
    const bool slice = group.filename() == "machine.slice";
    for (const std::string& name : names_in(group)) {
        std::error_code ignored;
        if (!std::filesystem::is_directory(group / name, ignored))
            continue;
        if (!slice && depth < deepest)
            add_empty_cgroups(group / name, depth + 1, found);
        else if (slice && name.starts_with("machine-") && name.ends_with(".scope") && cgroup_is_empty(group / name))
            found.push_back({RemnantKind::cgroup, group / name, "it has no processes and no machine owns it"});
    }
}

void add_unowned(const Places& places, std::vector<Remnant>& found) {
    std::vector<Remnant> suspects;
    for (const std::string& name : names_in(places.layers))
        suspects.push_back({RemnantKind::layer, places.layers / name, "no machine owns it"});
    if (!places.cgroups.empty())
        add_empty_cgroups(places.cgroups, 0, suspects);
    // Owners after what they own: it is noted before it is made.
    const auto owned = owned_paths(places);
    std::ranges::copy_if(suspects, std::back_inserter(found),
                         [&](const Remnant& suspect) { return !is_owned(suspect.path, owned); });
}

void add_id_range_locks(const Places& places, std::vector<Remnant>& found) {
    for (const std::string& name : names_in(places.id_range_locks)) {
        const std::filesystem::path path = places.id_range_locks / name;
        const UniqueFd file{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
        if (file && S_ISREG(status_of(file).st_mode) && !is_locked(file))
            found.push_back({RemnantKind::id_range_lock, path, "nobody holds it"});
    }
}

void add_images(const Places& places, std::vector<Remnant>& found) {
    for (const auto& directory : places.images) {
        for (const auto& path : set_aside_in(directory))
            found.push_back({RemnantKind::image, path, "making or removing it was cut off"});
        for (const auto& path : brought_for_nothing(directory))
            found.push_back({RemnantKind::image, path, "the image that it belongs to never came"});
    }
}

void add_devices(std::vector<Remnant>& found) {
    for (const std::string& name : abandoned_mappings())
        found.push_back({RemnantKind::device, "/dev/mapper/" + name, "making it was cut off"});
}

} // namespace

std::vector<Remnant> find_remnants(const Places& places) {
    std::vector<Remnant> found;
    add_run_directories(places, found);
    add_state_files(places, found);
    add_unowned(places, found);
    add_id_range_locks(places, found);
    add_images(places, found);
    add_devices(found);
    return found;
}

} // namespace machinist
