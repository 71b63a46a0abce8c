// SPDX-License-Identifier: LGPL-2.1-or-later
// The caller's terminal: raw while the command has one of its own, as it was afterwards.
#pragma once

#include "base/unique_fd.hpp"

#include <optional>
#include <sys/ioctl.h>
#include <termios.h>

namespace machinist::enter {

class RawTerminal {
public:
    // Nothing is changed if the descriptor is no terminal.
    explicit RawTerminal(BorrowedFd terminal);
    RawTerminal(const RawTerminal&) = delete;
    RawTerminal& operator=(const RawTerminal&) = delete;
    ~RawTerminal();

private:
    BorrowedFd terminal_;
    std::optional<termios> before_;
};

// 24 lines of 80 columns if there is no terminal.
winsize size_of_terminal(BorrowedFd terminal);
void set_size_of_terminal(BorrowedFd terminal, const winsize& size);

} // namespace machinist::enter
