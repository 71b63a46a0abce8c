// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/pipe.hpp"

#include "base/failure.hpp"

#include <fcntl.h>

namespace machinist {

Pipe make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) < 0)
        throw system_failure("make a pipe");
    return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

} // namespace machinist
