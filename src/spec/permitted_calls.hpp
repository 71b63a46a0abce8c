// SPDX-License-Identifier: LGPL-2.1-or-later
// The other way round than a machine's filter: a program of ours that meets foreign bytes names the few calls that it
// makes. Pure.
#pragma once

#include <cstdint>
#include <linux/filter.h>
#include <vector>

namespace machinist {

// All other calls, and calls of other ABIs, are answered by EPERM. Those that start something are never among them:
// threads: clone(2) without new namespaces, clone3(2) as on a kernel that has none, so that C libraries take clone.
std::vector<sock_filter> permit_calls(const std::vector<std::uint32_t>& numbers, bool threads);

} // namespace machinist
