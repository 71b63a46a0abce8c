// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/clone_image.hpp"

#include "base/failure.hpp"
#include "image/auxiliary_files.hpp"
#include "image/file_copy.hpp"
#include "image/image_changes.hpp"
#include "image/template.hpp"
#include "kernel/files.hpp"

#include <string>

namespace machinist {

namespace {

std::filesystem::path place_of_clone(const Pool& pool, const PoolImage& image, std::string_view new_name) {
    const char* suffix = image.type == ImageType::raw ? ".raw" : image.type == ImageType::mstack ? ".mstack" : "";
    return pool.places().new_images / (std::string{new_name} + suffix);
}

LayerKind clone_tree(const PoolImage& image, const std::filesystem::path& place) {
    return make_from_template(image.path, place);
}

} // namespace

LayerKind clone_image(const Pool& pool, std::string_view name, std::string_view new_name, const CloneRequest& request) {
    const PoolImage image = pool.get(name);
    if (image.type == ImageType::block)
        throw Failure{FailureKind::not_supported, "clone image '" + image.name + "': it is a block device"};
    const ImageHold new_hold{pool, new_name};
    const std::filesystem::path place = place_of_clone(pool, image, new_name);
    make_directories(pool.places().new_images, 0700);
    copy_auxiliary_files(pool.places(), image.entry.parent_path(), name, place.parent_path(), new_name);
    const LayerKind kind = image.type == ImageType::raw ? copy_file_whole(image.path, place) : clone_tree(image, place);
    if (request.read_only)
        mark_held_image_read_only(pool, new_name);
    return kind;
}

} // namespace machinist
