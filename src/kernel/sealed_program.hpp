// SPDX-License-Identifier: LGPL-2.1-or-later
// A program in memory that nobody can change: what enters a machine is run from one, since a machine may reach the
// file of a process in it through /proc (rule R4, CVE-2019-5736).
#pragma once

#include "base/unique_fd.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace machinist {

// A sealed copy, closed by the exec that runs it.
UniqueFd make_sealed_program(const std::filesystem::path& program);

// True if the calling process runs from such a copy.
bool runs_from_sealed_program();

// Replaces the calling process; nothing of its environment but what is given. Throws Failure, never returns.
[[noreturn]] void execute_sealed_program(BorrowedFd program, const std::vector<std::string>& arguments,
                                         const std::vector<std::string>& environment = {});

} // namespace machinist
