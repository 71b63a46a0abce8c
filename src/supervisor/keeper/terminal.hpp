// SPDX-License-Identifier: LGPL-2.1-or-later
// The caller's terminal: raw while it is relayed, and as it was found afterwards, however we end.
#pragma once

#include "base/unique_fd.hpp"

namespace machinist::keeper {

// There is one terminal in a process; a class would promise more.
namespace terminal {

// Remembers how input is set. Nothing happens if it is no terminal.
void adopt(BorrowedFd input, BorrowedFd output);
// Raw, if we are in its foreground: in the background it is our shell's.
void make_raw();
// Safe in a signal handler.
void restore();
// False where it is no terminal, or we may read it.
[[nodiscard]] bool in_background();
// Restores it before one of the signals ends us that are not read from a descriptor.
void restore_on_fatal_signals();

} // namespace terminal

// The window's size goes from the host's terminal to the machine's.
void copy_window_size(BorrowedFd from, BorrowedFd to);

} // namespace machinist::keeper
