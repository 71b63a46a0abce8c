// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs another program of the host to its end.
#pragma once

#include "base/unique_fd.hpp"

#include <string>
#include <vector>

namespace machinist {

struct ProgramResult {
    int status = 0;     // exit status, or 128 + signal
    std::string output; // its stdout, at most 64 KiB; stderr stays ours
};

// arguments[0] is looked up in PATH. stdin is empty; descriptors that are not close-on-exec are inherited.
// Throws Failure if it cannot be started; its own exit status is data.
ProgramResult run_program(const std::vector<std::string>& arguments);

} // namespace machinist
