// SPDX-License-Identifier: LGPL-2.1-or-later
// The process that brings an image in or out: of a session of its own, and in no need of who began it.
#pragma once

#include "kernel/pidfd.hpp"

#include <string>
#include <vector>

namespace machinist {

// machinist-transfer with these arguments; file becomes its standard input and output. Throws Failure.
Pidfd start_transfer_process(const std::vector<std::string>& arguments, BorrowedFd file);

} // namespace machinist
