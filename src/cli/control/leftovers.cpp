// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/leftovers.hpp"

#include "image/set_aside.hpp"

#include <cstdio>

namespace machinist {

void delete_behind(const Invocation& call, const Pool& pool, const Leftovers& leftovers) {
    const auto work = [&] {
        delete_leftovers(pool.places(), leftovers,
                         [](const Failure& failure) { std::fprintf(stderr, "machinist: %s\n", failure.what()); });
    };
    if (call.wait)
        work();
    else if (!leftovers.empty())
        do_behind(work);
}

} // namespace machinist
