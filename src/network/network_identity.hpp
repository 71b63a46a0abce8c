// SPDX-License-Identifier: LGPL-2.1-or-later
// Which network namespace one is, told by a number that the kernel gives no other until it is booted anew.
#pragma once

#include <cstdint>

namespace machinist {

// That of this process; 0 if the kernel does not tell.
std::uint64_t own_network_number();

// Joins the one of that number, if a process that can be seen is in it or it has a name of ip-netns(8). False if there
// is none: it has ended, with all links in it. Then, and if this throws, the process may be in any network.
bool join_network(std::uint64_t number);

} // namespace machinist
