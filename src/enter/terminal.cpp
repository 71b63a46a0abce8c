// SPDX-License-Identifier: LGPL-2.1-or-later
#include "enter/terminal.hpp"

namespace machinist::enter {

RawTerminal::RawTerminal(BorrowedFd terminal) : terminal_(terminal) {
    termios attributes{};
    if (::tcgetattr(terminal.get(), &attributes) < 0)
        return;
    before_ = attributes;
    ::cfmakeraw(&attributes);
    ::tcsetattr(terminal.get(), TCSADRAIN, &attributes);
}

RawTerminal::~RawTerminal() {
    if (before_)
        ::tcsetattr(terminal_.get(), TCSADRAIN, &*before_);
}

winsize size_of_terminal(BorrowedFd terminal) {
    winsize size{};
    if (::ioctl(terminal.get(), TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
        return {.ws_row = 24, .ws_col = 80, .ws_xpixel = 0, .ws_ypixel = 0};
    return size;
}

void set_size_of_terminal(BorrowedFd terminal, const winsize& size) {
    // Without effect on a terminal that has gone.
    (void)::ioctl(terminal.get(), TIOCSWINSZ, &size);
}

} // namespace machinist::enter
