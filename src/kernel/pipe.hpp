// SPDX-License-Identifier: LGPL-2.1-or-later
// pipe(2).
#pragma once

#include "base/unique_fd.hpp"

namespace machinist {

struct Pipe {
    UniqueFd reader;
    UniqueFd writer;
};
// Both ends are close-on-exec. Throws Failure.
Pipe make_pipe();

} // namespace machinist
