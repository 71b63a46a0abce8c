// SPDX-License-Identifier: LGPL-2.1-or-later
#include "base/exit_status.hpp"

#include "base/failure.hpp"

#include <cstdio>

namespace machinist {

int tell(const std::exception& failure) {
    const auto* known = dynamic_cast<const Failure*>(&failure);
    std::fprintf(stderr, "machinist: %s%s\n", known ? "" : "internal error: ", failure.what());
    return known ? exit_status_for(*known) : 1;
}

} // namespace machinist
