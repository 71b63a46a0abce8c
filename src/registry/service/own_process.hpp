// SPDX-License-Identifier: LGPL-2.1-or-later
// A program of ours that works beside the service, in a session of its own.
#pragma once

#include "kernel/pidfd.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct OwnStreams {
    BorrowedFd file = {};   // its standard input and output; else they are empty
    BorrowedFd errors = {}; // else they are ours
};

// Throws Failure if it is not installed.
Pidfd start_own_process(std::string_view program, const std::vector<std::string>& arguments, const OwnStreams& streams);

} // namespace machinist
