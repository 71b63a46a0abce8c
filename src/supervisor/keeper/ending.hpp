// SPDX-License-Identifier: LGPL-2.1-or-later
// The end of a machine's run directory: undo, say how it ended, give the name free, delete what takes long.
#pragma once

#include "base/unique_fd.hpp"
#include "supervisor/keeper/undo.hpp"

#include <optional>

namespace machinist::keeper {

struct RunDirectory {
    UniqueFd directory; // opened O_RDONLY
    UniqueFd lock;      // held
    UniqueFd network;   // of the machine, for what is undone in it; none if nothing is or it is gone
    std::string_view path;
    std::string_view undo; // lines
};

enum class Patience {
    leave_to_child, // long deletions go on in a child that keeps the lock, and we may exit
    wait,
};

// exit_status goes into the file "exit". False if something is left, which `--undo` can try again: the directory
// stays then, under another name.
bool end_run_directory(RunDirectory run, std::optional<int> exit_status, Patience patience);

// `machinist-supervisor --undo PATH`: the same for a directory that nobody keeps any more. The exit status.
int undo_remnant(const char* path);

inline constexpr int status_held = 3;

} // namespace machinist::keeper
