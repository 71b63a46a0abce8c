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
    void give_back() const;

private:
    sigset_t found_{};
    UniqueFd descriptor_;
};

} // namespace machinist::keeper
