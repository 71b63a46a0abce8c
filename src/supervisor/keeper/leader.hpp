// SPDX-License-Identifier: LGPL-2.1-or-later
// Process 1 of the machine: signals to it, its end, and finding it again by what the run directory recorded.
#pragma once

#include "base/unique_fd.hpp"

#include <string_view>
#include <sys/types.h>
#include <sys/wait.h>

namespace machinist::keeper {

class Leader {
public:
    Leader(UniqueFd pidfd, pid_t pid) : pidfd_(std::move(pidfd)), pid_(pid) {}

    [[nodiscard]] BorrowedFd pidfd() const {
        return pidfd_;
    }
    void send(int signal) const;
    // Everything in the machine, at once.
    void kill_all(BorrowedFd cgroup) const;

    // Reaps whatever has ended below us: as the nearest subreaper we get the machine's strays as well.
    // True once process 1 is among them.
    bool reap();
    // After reap() was true. No status at all (somebody else reaped it) is a failure.
    [[nodiscard]] const siginfo_t& status() const {
        return status_;
    }

private:
    UniqueFd pidfd_;
    pid_t pid_;
    bool ended_ = false;
    siginfo_t status_{};
};

// Kills the process that the file "leader" names, if it is still that one, and waits for its end. True if there is
// none any more; an empty or half written record names none.
bool end_recorded_leader(std::string_view record);

} // namespace machinist::keeper
