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
    const PoolPlaces pool;
    places.images = pool.search_path;
    places.images.push_back(pool.bases);
    return places;
}

} // namespace machinist
