// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/clone_image.hpp"

#include "base/failure.hpp"
#include "base/scope_exit.hpp"
#include "image/auxiliary_files.hpp"
#include "image/file_copy.hpp"
#include "image/layered_clone.hpp"
#include "image/stack.hpp"
#include "image/template.hpp"
#include "image/tree_copy.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <string>
#include <utility>

namespace machinist {

namespace {

// A snapshot, or files that share their extents, leave the image what it is. Only then layers: they need a base that
// nobody writes to.
bool is_copied_cheaply(const PoolImage& image, const std::filesystem::path& directory) {
    return image.type == ImageType::subvolume ||
           (image.type == ImageType::directory && can_share_extents(open_path(image.path, O_RDONLY | O_DIRECTORY),
                                                                    open_path(directory, O_RDONLY | O_DIRECTORY)));
}

} // namespace

LayerKind clone_image(const Pool& pool, std::string_view name, std::string_view new_name, const CloneRequest& request) {
    const PoolImage image = pool.get(name);
    if (image.type == ImageType::block)
        throw Failure{FailureKind::not_supported, "clone image '" + image.name + "': it is a block device"};
    const ImageHold new_hold{pool, new_name};
    const auto& directory = pool.places().new_images;
    make_directories(directory, 0700);
    copy_auxiliary_files(pool.places(), image.entry.parent_path(), name, directory, new_name);
    const LayerKind kind = make_clone(pool, image, directory, new_name, request.way).kind;
    if (request.read_only)
        mark_held_image_read_only(pool, new_name);
    return kind;
}

CloneSource hold_clone_source(const Pool& pool, const PoolImage& image) {
    for (const LockMode mode : {LockMode::exclusive, LockMode::shared}) {
        try {
            return {std::optional<ImageHold>{std::in_place, pool, image, mode}, true};
        } catch (const Failure& failure) {
            if (failure.kind() != FailureKind::busy)
                throw;
        }
    }
    return {std::nullopt, false};
}

MadeClone make_clone(const Pool& pool, const PoolImage& image, const std::filesystem::path& directory,
                     std::string_view new_name, CloneWay way) {
    const auto plain = directory / std::string{new_name};
    if (image.type == ImageType::raw) {
        const auto file = plain.string() + ".raw";
        // A file that is written to meanwhile would be copied torn.
        ImageLock reading = lock_image(image.path, LockMode::shared, pool.places().locks);
        const ScopeExit let_it_go{[&] { let_go(reading); }};
        return {file, copy_file_whole(image.path, file)};
    }
    if (way == CloneWay::automatic && !image.is_host() && !is_copied_cheaply(image, directory)) {
        const CloneSource source = hold_clone_source(pool, image);
        const auto stack = plain.string() + stack_suffix;
        if (clone_by_layers(pool.places(), image, stack, source.only_readers))
            return {stack, LayerKind::disk};
    }
    return {plain, make_from_template(image.path, plain)};
}

} // namespace machinist
