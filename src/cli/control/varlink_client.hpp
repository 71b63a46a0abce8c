// SPDX-License-Identifier: LGPL-2.1-or-later
// One call of Varlink, waited for: a message out and one back, with the descriptors beside them.
#pragma once

#include "base/unique_fd.hpp"

#include <string>
#include <vector>

namespace machinist {

struct VarlinkAnswer {
    std::string text; // JSON of whoever answers, as it came
    std::vector<UniqueFd> descriptors = {};
};

// The socket's own limits of time count. Throws Failure.
VarlinkAnswer call_varlink(BorrowedFd socket, const std::string& message, BorrowedFd descriptor = {});

} // namespace machinist
