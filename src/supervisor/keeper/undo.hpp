// SPDX-License-Identifier: LGPL-2.1-or-later
// The one engine that undoes what a machine's start made, from the lines that run_directory.hpp describes.
#pragma once

#include "base/unique_fd.hpp"
#include "supervisor/keeper/clock.hpp"
#include "supervisor/keeper/text.hpp"

namespace machinist::keeper {

using UndoLines = Text<4096>;

// What could not be undone yet, as lines.
struct Remains {
    UndoLines unfinished; // trees set aside that take longer than the time given
    UndoLines failed;     // reported; another try may have more luck
};

// What lines may be about.
struct Held {
    BorrowedFd run_directory;
    BorrowedFd network; // of the machine; may be none
};

// The last line first. Trees are renamed aside at once, and what they are called then is appended to the file "undo"
// in the run directory before, so that a kill in between loses none.
void undo(std::string_view lines, Held held, Milliseconds until, Remains& remains);

} // namespace machinist::keeper
