// SPDX-License-Identifier: LGPL-2.1-or-later
// Lines of undo that are for programs of their own: what needs a bus or speaks with the kernel about the network is
// not kept in memory for as long as the machine runs.
#pragma once

#include "base/unique_fd.hpp"

#include <string_view>

namespace machinist::keeper {

// "PROGRAM NAME", the name without blanks: has org.freedesktop.machine1 forget the machine. True if the program could
// be run; whoever does not answer in time is not waited for.
bool unlist(std::string_view program_and_name);

// In the run directory. network: the machine's, or none. False if something is left.
bool undo_network(const char* program, BorrowedFd run_directory, BorrowedFd network);

} // namespace machinist::keeper
