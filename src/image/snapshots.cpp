// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/snapshots.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/clone_image.hpp"
#include "image/image_changes.hpp"
#include "image/layered_clone.hpp"
#include "image/pool_directory.hpp"
#include "image/set_aside.hpp"
#include "kernel/files.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace machinist {

namespace {

std::filesystem::path place_of_snapshots(const Pool& pool, std::string_view image) {
    if (!is_image_name(image))
        throw Failure{FailureKind::invalid, "'" + escaped_for_people(image) + "' is no name for an image"};
    return pool.places().snapshots / std::string{image};
}

std::string words_for(std::string_view image, std::string_view name) {
    return "snapshot '" + escaped_for_people(name) + "' of image '" + escaped_for_people(image) + "'";
}

// new_state is in the making beside the image. Where both are of one kind they change places; else the one that is
// found first decides, and setting the old one aside, or the new one's coming, is the moment.
std::filesystem::path put_in_place(const std::filesystem::path& new_state, const PoolImage& image,
                                   const std::filesystem::path& place) {
    const bool one_kind = place == image.entry;
    if (::renameat2(AT_FDCWD, new_state.c_str(), AT_FDCWD, place.c_str(),
                    one_kind ? RENAME_EXCHANGE : RENAME_NOREPLACE) < 0)
        throw system_failure("rename '" + new_state.string() + "' to '" + place.string() + "'");
    return set_aside(one_kind ? new_state : image.entry);
}

} // namespace

std::vector<Snapshot> list_snapshots(const Pool& pool, std::string_view image) {
    std::vector<Snapshot> found;
    std::vector<std::string> images;
    std::error_code ignored;
    if (image.empty())
        for (const auto& entry : std::filesystem::directory_iterator{pool.places().snapshots, ignored})
            images.push_back(entry.path().filename().string());
    else
        images.emplace_back(image);
    std::ranges::sort(images);
    for (const std::string& name : images) {
        if (!is_image_name(name))
            continue;
        const auto directory = open_pool_directory(place_of_snapshots(pool, name));
        if (!directory)
            continue;
        const std::size_t first = found.size();
        for (auto& [snapshot, state] : images_in(*directory))
            found.push_back({name, state});
        std::ranges::stable_sort(found.begin() + static_cast<std::ptrdiff_t>(first), found.end(), {},
                                 [](const Snapshot& snapshot) { return snapshot.state.created; });
    }
    return found;
}

PoolImage get_snapshot(const Pool& pool, std::string_view image, std::string_view name) {
    const auto directory = is_image_name(name) ? open_pool_directory(place_of_snapshots(pool, image)) : std::nullopt;
    auto state = directory ? image_in(*directory, name) : std::nullopt;
    if (!state)
        throw Failure{FailureKind::not_found, "no " + words_for(image, name) + " known"};
    return std::move(*state);
}

void create_snapshot(const Pool& pool, std::string_view image, std::string_view name) {
    const PoolImage source = pool.get(image);
    check_new_image_name(name);
    if (source.type == ImageType::block)
        throw Failure{FailureKind::not_supported, "make a " + words_for(image, name) + ": it is a block device"};
    const auto place = place_of_snapshots(pool, image);
    make_directories(place, 0700);
    const ImageLock one_at_a_time =
        lock_image_name(std::string{image} + ".snapshots", LockMode::exclusive, pool.places().locks);
    if (const auto directory = open_pool_directory(place); directory && image_in(*directory, name))
        throw Failure{FailureKind::already_exists, "there is a " + words_for(image, name) + " already"};
    (void)make_clone(pool, source, place, name);
}

std::vector<std::filesystem::path> restore_snapshot(const Pool& pool, std::string_view image, std::string_view name) {
    const PoolImage state = get_snapshot(pool, image, name);
    const PoolImage now = pool.get(image);
    refuse_to_change(now, "restore");
    if (now.read_only || now.is_versioned())
        throw Failure{FailureKind::not_permitted, "restore image '" + now.name + "': it is " +
                                                      (now.read_only ? "read-only" : "a directory of versions")};
    const ImageHold hold{pool, now, LockMode::exclusive};
    finish_cut_clone(now);
    const auto directory = now.entry.parent_path();
    const std::string temporary = name_in_the_making(directory).filename().string();
    const MadeClone made = make_clone(pool, state, directory, temporary);
    const std::string suffix = made.path.filename().string().substr(temporary.size());
    return {put_in_place(made.path, now, directory / (now.name + suffix))};
}

std::vector<std::filesystem::path> remove_snapshot(const Pool& pool, std::string_view image, std::string_view name) {
    const PoolImage state = get_snapshot(pool, image, name);
    std::vector<std::filesystem::path> left{set_aside(state.entry)};
    // With the last of them.
    ::rmdir(place_of_snapshots(pool, image).c_str());
    return left;
}

} // namespace machinist
