// SPDX-License-Identifier: LGPL-2.1-or-later
// What machinist-enter shall do, as its command line says it: one machine, one command or one errand.
#pragma once

#include "base/unique_fd.hpp"
#include "kernel/pidfd.hpp"
#include "spec/errand.hpp"

#include <optional>
#include <string>
#include <vector>

namespace machinist::enter {

struct Order {
    std::string machine;                  // for messages only
    Pidfd leader;                         // handed over open: a number could be another process by now
    UniqueFd syscall_filter;              // a file of sock_filter; may be missing
    UniqueFd syscall_rules;               // the same, loaded behind it
    std::string user = "root";            // NAME or NUMBER, also with :GROUP
    std::optional<std::string> directory; // of the command; else the user's home
    std::vector<std::string> environment; // "NAME=VALUE", beyond what every command gets
    std::string service;                  // $container
    bool pty = false;                     // on a terminal of the machine's own devpts
    bool login_shell = false;             // no command: the user's shell, as at a login
    bool escapable = false;               // ^] three times within a second leaves
    bool quiet = false;                   // no word about the end of a session
    std::optional<double> seconds;        // the command may take
    std::vector<std::string> command;     // of an errand: its words

    UniqueFd result; // a file for how the command ended

    std::optional<ErrandKind> errand;
    UniqueFd reply;         // a socket for the errand's one message
    bool read_only = false; // as in Errand
    bool make = false;
    bool replace = false;
    bool detach = false;

    UniqueFd relay;       // the master of a terminal: nothing is entered, the caller's is connected to it
    bool patient = false; // also after it was hung up
};

// Throws Failure(usage). Takes the descriptors that the words name.
Order read_order(int count, char** words);

} // namespace machinist::enter
