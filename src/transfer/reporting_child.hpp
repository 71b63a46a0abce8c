// SPDX-License-Identifier: LGPL-2.1-or-later
// Work in a copy of the process, which tells how it goes through a pipe.
#pragma once

#include "base/unique_fd.hpp"
#include "transfer/cancellation.hpp"

#include <csignal>
#include <functional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace machinist {

// In the copy work writes to report; a Failure that it throws is written as "F" and the serialized failure, and ends
// the copy with status 1, as any other exception does without a word. hear gets what is written as it comes.
// Returns how the copy ended, as waitid(2) has it. What hear throws, and a cancellation, is thrown on when the copy is
// dead: whoever takes away what it made must be alone with it.
siginfo_t hear_from_child(const Cancellation& cancellation,
                          const std::function<void(BorrowedFd report, pid_t parent)>& work,
                          const std::function<void(std::string_view bytes)>& hear);

} // namespace machinist
