// SPDX-License-Identifier: LGPL-2.1-or-later
// In a child that is about to become another program: streams that a caller gave become its own.
#pragma once

#include "base/unique_fd.hpp"

#include <array>

namespace machinist {

using CallersStreams = std::array<BorrowedFd, 3>; // input, output, errors; those that are missing are empty

// In a session of its own, with no signal blocked. Throws Failure.
void take_streams(const CallersStreams& streams);

} // namespace machinist
