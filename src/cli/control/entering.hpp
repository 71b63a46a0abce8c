// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a command in a machine by machinist-enter.
#pragma once

#include "registry/entry.hpp"

#include <string>
#include <vector>

namespace machinist {

// This process becomes the one that stays beside the command and ends as it does. Throws Failure, never returns.
[[noreturn]] void become_entry(const Machine& machine, const Entry& entry, const Places& places);

struct EntryResult {
    int status = 0;
    std::string output; // stdout and stderr, at most 256 KiB
};
// With nothing to read. Ends with status 124 after seconds, if entry has any.
EntryResult run_entry(const Machine& machine, const Entry& entry, const Places& places);

// What programs on a terminal need to know of the caller's: TERM, COLORTERM, NO_COLOR.
std::vector<std::string> terminal_environment();

} // namespace machinist
