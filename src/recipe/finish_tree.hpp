// SPDX-License-Identifier: LGPL-2.1-or-later
// What making a tree leaves in it that is not the tree's own: the host's names and times, ids, keys, lists, logs.
#pragma once

#include "base/unique_fd.hpp"

#include <cstdint>

namespace machinist {

void remove_what_is_not_its_own(BorrowedFd tree);

// Nothing in it is younger; seconds since 1970.
void make_no_younger_than(BorrowedFd tree, std::int64_t epoch);

} // namespace machinist
