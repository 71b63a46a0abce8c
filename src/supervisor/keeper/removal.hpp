// SPDX-License-Identifier: LGPL-2.1-or-later
// Removes a directory tree that a machine wrote: no link followed, no mount entered, constant in stack and
// descriptors at any depth.
#pragma once

#include "base/unique_fd.hpp"
#include "supervisor/keeper/clock.hpp"

namespace machinist::keeper {

enum class Removal {
    done,
    unfinished, // the time was up; to be called again
    failed,     // something cannot be removed; errno says why
};

// All below directory (opened O_RDONLY), which itself stays.
Removal empty_directory(BorrowedFd directory, Milliseconds until);

// name below parent, whatever it is. Missing is success.
Removal remove_entry(BorrowedFd parent, const char* name, Milliseconds until);

// A btrfs subvolume as one; what is none, or holds others, as remove_entry.
Removal remove_subvolume(BorrowedFd parent, const char* name, Milliseconds until);

} // namespace machinist::keeper
