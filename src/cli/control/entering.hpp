// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a command in a machine by machinist-enter.
#pragma once

#include "registry/machine.hpp"

#include <optional>
#include <string>
#include <vector>

namespace machinist {

// What machinist-enter is asked for; its options say what each member means.
struct Entry {
    std::optional<std::string> user;
    std::optional<std::string> directory;
    std::vector<std::string> environment; // "NAME=VALUE"
    bool pty = false;
    bool login_shell = false;
    bool escapable = false;
    bool quiet = false;
    std::optional<double> seconds;
    std::vector<std::string> command;
};

// This process becomes the one that stays beside the command and ends as it does. Throws Failure, never returns.
[[noreturn]] void become_entry(const Machine& machine, const Entry& entry);

struct EntryResult {
    int status = 0;
    std::string output; // stdout and stderr, at most 256 KiB
};
// With nothing to read. Ends with status 124 after seconds, if entry has any.
EntryResult run_entry(const Machine& machine, const Entry& entry);

// What programs on a terminal need to know of the caller's: TERM, COLORTERM, NO_COLOR.
std::vector<std::string> terminal_environment();

} // namespace machinist
