// SPDX-License-Identifier: LGPL-2.1-or-later
// Work on bytes of others is done by processes that may do nothing else (rule R16).
#pragma once

#include "base/unique_fd.hpp"

#include <string>
#include <vector>

namespace machinist {

// The calling process becomes nobody's for good, ends with its parent, and keeps no descriptors but the first three and
// these.
void become_unprivileged(const std::vector<BorrowedFd>& kept);

// Runs a program of the host like that, with files as its further arguments, by paths that lead to the descriptors. Its
// output is thrown away. Returns its exit status. Throws Failure(not_supported) if it is not installed.
int run_unprivileged(std::vector<std::string> arguments, const std::vector<BorrowedFd>& files);

} // namespace machinist
