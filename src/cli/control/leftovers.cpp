// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/leftovers.hpp"

#include "base/failure.hpp"
#include "image/base_store.hpp"
#include "image/set_aside.hpp"

#include <cstdio>

namespace machinist {

namespace {

void delete_all(const Leftovers& leftovers) {
    for (const auto& path : leftovers) {
        try {
            remove_set_aside(path);
        } catch (const Failure& failure) {
            std::fprintf(stderr, "machinist: %s\n", failure.what());
        }
    }
}

} // namespace

void delete_behind(const Invocation& call, const Pool& pool, const Leftovers& leftovers) {
    const auto work = [&] {
        delete_all(leftovers);
        // With the images go the references to what they shared.
        delete_all(collect_bases(pool.places().bases, pool.places().locks));
    };
    if (call.wait)
        work();
    else if (!leftovers.empty())
        do_behind(work);
}

} // namespace machinist
