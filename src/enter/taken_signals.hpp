// SPDX-License-Identifier: LGPL-2.1-or-later
// Signals that are read beside other descriptors instead of ending this process.
#pragma once

#include "base/unique_fd.hpp"

#include <csignal>
#include <span>

namespace machinist::enter {

// A descriptor of their signalfd(2), and of the change of the terminal's size. Those that the caller had us ignore
// (nohup, a job in the background) stay so. SIGPIPE is ignored from here on: a reader that goes away is noticed by the
// write. before: what was blocked until now. Throws Failure.
UniqueFd open_signals(std::span<const int> signals, sigset_t& before);

} // namespace machinist::enter
