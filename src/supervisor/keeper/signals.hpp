// SPDX-License-Identifier: LGPL-2.1-or-later
// Signals to the supervisor are read from a descriptor; how we found them is given back before the next exec.
#pragma once

#include "base/unique_fd.hpp"

#include <csignal>

namespace machinist::keeper {

class Signals {
public:
    Signals();
    [[nodiscard]] BorrowedFd descriptor() const {
        return descriptor_;
    }
    // 0 if none waits.
    [[nodiscard]] int next() const;
    // As they were found, for the program that we become.
    void give_back() const;
    // Back again, where that failed. Until we exit: what must be undone at the end is not to be interrupted.
    void take() const;

private:
    sigset_t read_{};
    sigset_t found_{};
    UniqueFd descriptor_;
};

} // namespace machinist::keeper
