// SPDX-License-Identifier: LGPL-2.1-or-later
// The places where images live, and the images in them. Nothing is kept: each question reads the places anew.
#pragma once

#include "image/id_range_store.hpp"
#include "image/image_lock.hpp"
#include "image/pool_image.hpp"
#include "kernel/btrfs_quota.hpp"
#include "spec/image_class.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct PoolPlaces {
    // An image in an earlier one hides those of its name in later ones.
    std::vector<std::filesystem::path> search_path{"/etc/machines",           "/run/machines",
                                                   "/var/lib/machines",       "/var/lib/container",
                                                   "/usr/local/lib/machines", "/usr/lib/machines"};
    std::filesystem::path new_images{"/var/lib/machines"};
    std::filesystem::path bases{"/var/lib/machinist/bases"};         // what layered images share
    std::filesystem::path snapshots{"/var/lib/machinist/snapshots"}; // kept, named layers
    std::vector<std::filesystem::path> settings{"/etc/systemd/nspawn", "/run/systemd/nspawn"};
    std::filesystem::path locks{image_lock_directory};
    IdRangeStore::Places id_ranges{};
};

// What images of other classes have of their own; locks, bases and the like are everybody's.
PoolPlaces pool_places_for(ImageClass image_class);

class Pool {
public:
    explicit Pool(PoolPlaces places = {}) : places_(std::move(places)) {}

    // By name, hidden ones and ".host" too.
    [[nodiscard]] std::vector<PoolImage> list() const;
    [[nodiscard]] std::optional<PoolImage> find(std::string_view name) const;
    // Throws Failure(no_image): "no image 'NAME' known".
    [[nodiscard]] PoolImage get(std::string_view name) const;

    // Of the directory of new images as a whole. Nothing where nobody counts.
    [[nodiscard]] std::optional<btrfs::Quota> quota() const;

    [[nodiscard]] const PoolPlaces& places() const {
        return places_;
    }

private:
    PoolPlaces places_;
};

} // namespace machinist
