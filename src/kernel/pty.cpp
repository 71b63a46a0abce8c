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

UniqueFd open_pty_master(BorrowedFd devpts) {
    UniqueFd master{::openat(devpts.get(), "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!master)
        throw system_failure("open 'ptmx' of the machine's devpts");
    int unlocked = 0;
    if (::ioctl(master.get(), TIOCSPTLCK, &unlocked) < 0)
        throw system_failure("unlock a pseudo terminal");
    return master;
}

UniqueFd open_pty_slave(BorrowedFd master) {
    UniqueFd slave{::ioctl(master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)};
    if (!slave)
        throw system_failure("open the other end of a pseudo terminal");
    return slave;
}

int pty_number(BorrowedFd master) {
    int number = 0;
    if (::ioctl(master.get(), TIOCGPTN, &number) < 0)
        throw system_failure("ask for the number of a pseudo terminal");
    return number;
}

Pty open_pty(BorrowedFd devpts) {
    Pty pty;
    pty.master = open_pty_master(devpts);
    pty.number = pty_number(pty.master);
    pty.slave = open_pty_slave(pty.master);
    return pty;
}

} // namespace machinist
