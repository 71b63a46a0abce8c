// SPDX-License-Identifier: LGPL-2.1-or-later
// The inside of what start_program_errand() starts: PROGRAM REPLY-DESCRIPTOR WORD...
#pragma once

#include "base/unique_fd.hpp"

#include <functional>

namespace machinist {

// The descriptor that the word is the number of, closed on execution; none if a person wrote it.
UniqueFd take_reply_descriptor(const char* word);

// Does the work and reports its end, whatever that is. Returns the exit status of the program.
int answer_errand(BorrowedFd reply, const std::function<void()>& work);

} // namespace machinist
