// SPDX-License-Identifier: LGPL-2.1-or-later
// What the process that goes in tells the one that stays on the host, over a socket that its exec closes.
#pragma once

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

#include <optional>
#include <vector>

namespace machinist::enter {

// Exit statuses as env(1), timeout(1) and shells give them; what the command itself ends with is passed on.
inline constexpr int status_timed_out = 124;
inline constexpr int status_not_entered = 125;
inline constexpr int status_not_executable = 126;
inline constexpr int status_not_found = 127;

// All is ready but the exec. Waits until the other side has seen it; false if the other side is gone.
// streams: a terminal's master, or the host's ends of stdin, stdout and stderr and the machine's end of stdin.
bool report_ready(BorrowedFd socket, std::vector<UniqueFd> streams);
void report_failure(BorrowedFd socket, const Failure& failure, int status);

struct Report {
    bool end = false; // the command was executed
    std::vector<UniqueFd> streams;
    std::optional<Failure> failure;
    int status = status_not_entered;
};
Report receive_report(BorrowedFd socket);
void let_go_on(BorrowedFd socket);

} // namespace machinist::enter
