// SPDX-License-Identifier: LGPL-2.1-or-later
// A program of ours that works beside the service, in a session of its own.
#pragma once

#include "kernel/pidfd.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace machinist {

struct OwnStreams {
    BorrowedFd file = {};   // its standard input and output; else they are empty
    BorrowedFd errors = {}; // else they are ours
};

// execute: what the child does; it replaces the program by that of the words. A Failure of it ends the child with a
// status only. Throws Failure if the program is not installed.
Pidfd fork_own_program(std::string_view program, const std::vector<std::string>& arguments,
                       const std::function<void(char* const* words)>& execute);
// The same, with the streams and an environment without what was for us.
Pidfd start_own_process(std::string_view program, const std::vector<std::string>& arguments, const OwnStreams& streams);

} // namespace machinist
