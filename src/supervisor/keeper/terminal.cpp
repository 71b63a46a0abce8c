// SPDX-License-Identifier: LGPL-2.1-or-later
#include "supervisor/keeper/terminal.hpp"

#include <csignal>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

namespace machinist::keeper {

namespace {

// For the signal handler, which gets no context.
termios found;
int terminal_fd = -1;
bool output_is_the_same = false;
volatile sig_atomic_t is_raw = 0;

bool same_terminal(int one, int other) {
    struct stat first {};
    struct stat second {};
    return ::isatty(other) != 0 && ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 &&
           first.st_rdev == second.st_rdev;
}

void restore_and_die(int signal) {
    terminal::restore();
    // SA_RESETHAND gave the default back; the signal comes again when this handler returns.
    ::raise(signal);
}

} // namespace

void terminal::adopt(BorrowedFd input, BorrowedFd output) {
    if (::isatty(input.get()) == 0 || ::tcgetattr(input.get(), &found) < 0)
        return;
    terminal_fd = input.get();
    output_is_the_same = same_terminal(input.get(), output.get());
}

void terminal::make_raw() {
    if (terminal_fd < 0 || in_background())
        return;
    termios raw = found;
    const tcflag_t output_flags = raw.c_oflag;
    ::cfmakeraw(&raw);
    // The machine's pty ends its lines for a terminal already; output to elsewhere keeps its own manners.
    if (!output_is_the_same)
        raw.c_oflag = output_flags;
    is_raw = 1;
    ::tcsetattr(terminal_fd, TCSANOW, &raw);
}

void terminal::restore() {
    if (is_raw == 0)
        return;
    is_raw = 0;
    // Somebody else's now; the shell that took it over set it as it likes.
    if (!in_background())
        ::tcsetattr(terminal_fd, TCSANOW, &found);
}

bool terminal::in_background() {
    if (terminal_fd < 0)
        return false;
    const pid_t foreground = ::tcgetpgrp(terminal_fd);
    // ENOTTY: not our controlling terminal, so job control does not concern us.
    return foreground >= 0 && foreground != ::getpgrp();
}

void terminal::restore_on_fatal_signals() {
    struct sigaction action {};
    action.sa_handler = restore_and_die;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ})
        ::sigaction(signal, &action, nullptr);
}

void copy_window_size(BorrowedFd from, BorrowedFd to) {
    winsize size{};
    if (::ioctl(from.get(), TIOCGWINSZ, &size) == 0 && size.ws_row != 0 && size.ws_col != 0)
        ::ioctl(to.get(), TIOCSWINSZ, &size);
}

} // namespace machinist::keeper
