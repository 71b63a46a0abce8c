// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/composition.hpp"

#include "base/failure.hpp"
#include "base/own_programs.hpp"
#include "image/pool.hpp"
#include "kernel/cgroup.hpp"

namespace machinist {

Places host_places() {
    Places places;
    places.supervisor_program = own_program("machinist-supervisor");
    places.enter_program = own_program("machinist-enter");
    try {
        places.cgroups = cgroup_root();
    } catch (const Failure&) {
        // A host without cgroup v2 has no groups of ours either.
    }
    for (const auto& [image_class, name] : image_class_names) {
        const PoolPlaces pool = pool_places_for(image_class);
        places.images.insert(places.images.end(), pool.search_path.begin(), pool.search_path.end());
    }
    const PoolPlaces pool;
    places.images.push_back(pool.bases);
    // Those of an image lie in a directory of its name.
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator{pool.snapshots, ignored})
        places.images.push_back(entry.path());
    return places;
}

} // namespace machinist
