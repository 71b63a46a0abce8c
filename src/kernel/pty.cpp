// SPDX-License-Identifier: LGPL-2.1-or-later
#include "kernel/pty.hpp"

#include "base/failure.hpp"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

namespace machinist {

Pty open_pty(BorrowedFd devpts) {
    Pty pty;
    pty.master = UniqueFd{::openat(devpts.get(), "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!pty.master)
        throw system_failure("open 'ptmx' of the machine's devpts");
    int unlocked = 0;
    if (::ioctl(pty.master.get(), TIOCSPTLCK, &unlocked) < 0 || ::ioctl(pty.master.get(), TIOCGPTN, &pty.number) < 0)
        throw system_failure("unlock a pseudo terminal");
    // By the master, not by a path: nothing can be put in between.
    pty.slave = UniqueFd{::ioctl(pty.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!pty.slave)
        throw system_failure("open the other end of a pseudo terminal");
    return pty;
}

} // namespace machinist
