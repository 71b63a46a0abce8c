// SPDX-License-Identifier: LGPL-2.1-or-later
#include "image/pool.hpp"

#include "base/failure.hpp"
#include "base/text.hpp"
#include "image/pool_directory.hpp"
#include "kernel/btrfs.hpp"
#include "kernel/files.hpp"

#include <fcntl.h>
#include <map>

namespace machinist {

PoolPlaces pool_places_for(ImageClass image_class) {
    PoolPlaces places;
    places.new_images = name_of(image_class_directories, image_class);
    // Extensions of the distribution lie in /usr itself, so they are none of its images; settings of a host are its
    // own, so /etc is no place for images of them.
    switch (image_class) {
    case ImageClass::machine: break;
    case ImageClass::portable:
        places.search_path = {"/etc/portables", "/run/portables", "/var/lib/portables", "/usr/local/lib/portables",
                              "/usr/lib/portables"};
        break;
    case ImageClass::sysext: places.search_path = {"/etc/extensions", "/run/extensions", "/var/lib/extensions"}; break;
    case ImageClass::confext:
        places.search_path = {"/run/confexts", "/var/lib/confexts", "/usr/local/lib/confexts", "/usr/lib/confexts"};
        break;
    }
    return places;
}

std::vector<PoolImage> Pool::list() const {
    std::map<std::string, PoolImage> found;
    for (const auto& path : places_.search_path)
        if (const auto directory = open_pool_directory(path))
            found.merge(images_in(*directory));
    found.insert_or_assign(std::string{host_image_name}, host_image());
    std::vector<PoolImage> images;
    images.reserve(found.size());
    for (auto& [name, image] : found)
        images.push_back(std::move(image));
    return images;
}

std::optional<PoolImage> Pool::find(std::string_view name) const {
    if (name == host_image_name)
        return host_image();
    if (!is_image_name(name))
        return std::nullopt;
    for (const auto& path : places_.search_path)
        if (const auto directory = open_pool_directory(path))
            if (auto image = image_in(*directory, name))
                return image;
    return std::nullopt;
}

PoolImage Pool::get(std::string_view name) const {
    auto image = find(name);
    if (!image)
        throw Failure{FailureKind::no_image, "no image '" + escaped_for_people(name) + "' known"};
    return std::move(*image);
}

std::optional<btrfs::Quota> Pool::quota() const {
    const auto directory = open_path_if_exists(places_.new_images, O_RDONLY | O_DIRECTORY);
    if (!directory || !btrfs::is_subvolume(*directory))
        return std::nullopt;
    return btrfs::quota_of(*directory);
}

} // namespace machinist
