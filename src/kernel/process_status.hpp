// SPDX-License-Identifier: LGPL-2.1-or-later
// What procfs tells of a process. Ask for a process that is held by a pidfd, and look afterwards whether it still
// lives: only then were the answers about it and not about a later one of the same number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace machinist {

struct ProcessStatus {
    std::string name; // as the process calls itself: not to be trusted, at most 15 bytes
    std::uint64_t bounding_capabilities = 0;
    bool no_new_privileges = false;
    bool has_syscall_filter = false;
    // Bit n - 1 is signal n: those that it waits for, by handlers or by signalfd(2). Process 1 of a pid namespace
    // ignores all others.
    std::uint64_t awaited_signals = 0;
};

// Throws Failure(not_found) if there is no such process.
ProcessStatus read_process_status(pid_t pid);

// It is in sigtimedwait(2) or a relative right now. The kernel takes the signals waited for out of the set of blocked
// ones meanwhile, so they are not in awaited_signals; which ones they are it does not tell.
bool waits_for_signals(pid_t pid);

// Clock ticks from the start of the host to the start of the process; with the number it names one process for good.
// Nothing if there is no such process.
std::optional<std::uint64_t> start_time_of(pid_t pid);

// It runs the program that its parent ran when it was forked; false, too, if there is no such process.
bool has_not_executed(pid_t pid);

// Microseconds since the host started, on the clock of start_time_of (CLOCK_BOOTTIME).
std::uint64_t microseconds_of(std::uint64_t start_time);

} // namespace machinist
