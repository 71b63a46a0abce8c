// SPDX-License-Identifier: LGPL-2.1-or-later
// Whoever wants this program to end gets it: SIGINT, SIGTERM and SIGHUP are read, not suffered, while one of these is.
#pragma once

#include "base/failure.hpp"
#include "base/unique_fd.hpp"

#include <csignal>

namespace machinist {

class Cancellation {
public:
    Cancellation();
    Cancellation(const Cancellation&) = delete;
    Cancellation& operator=(const Cancellation&) = delete;
    ~Cancellation();

    // Readable once somebody wants the end.
    [[nodiscard]] BorrowedFd descriptor() const {
        return signals_;
    }
    // The first of the signals; 0: none so far.
    int signal();
    // Throws Failure after a signal.
    void check();
    // What a child of ours is to begin with.
    [[nodiscard]] const sigset_t& signals_before() const {
        return before_;
    }

private:
    sigset_t before_{};
    UniqueFd signals_;
    int signal_ = 0;
};

} // namespace machinist
