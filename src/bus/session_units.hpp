// SPDX-License-Identifier: LGPL-2.1-or-later
// Shells and login prompts on terminals, as units of the systemd at the other end of a connection: the host's or a
// machine's own. So they are sessions of logind, with PAM and limits, as systemd-machined starts them.
#pragma once

#include "base/unique_fd.hpp"
#include "bus/connection.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace machinist {

struct ShellUnit {
    std::string user;                     // "": root
    std::string program;                  // absolute; "": the user's login shell
    std::vector<std::string> arguments;   // argv, the first one included; none: the program's path alone
    std::vector<std::string> environment; // "NAME=VALUE"
};

// Throws Failure(invalid) for what no unit can be started with.
void check_shell_unit(const ShellUnit& shell);

// nullptr: it starts. Failure(not_supported): there is no systemd at the other end.
using OnSessionUnit = std::function<void(const Failure*)>;

void start_login_prompt(Connection& bus, int pty_number, OnSessionUnit done);
// The slave is handed over. keep: the unit is not forgotten before the connection ends, so that it can be asked for its
// exit status.
void start_shell_unit(Connection& bus, const ShellUnit& shell, BorrowedFd slave, int pty_number, bool keep,
                      OnSessionUnit done);

struct ShellState {
    bool ended = false;
    int status = 0; // as a shell counts: 128 + signal for one
};
// Of a unit that was kept. Nothing if it cannot be told.
void ask_shell_state(Connection& bus, int pty_number, std::function<void(std::optional<ShellState>)> done);

} // namespace machinist
