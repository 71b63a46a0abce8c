// SPDX-License-Identifier: LGPL-2.1-or-later
// The addresses of the calling process's network namespace, as text.
#pragma once

#include <string>
#include <vector>

namespace machinist {

// IPv4 before IPv6, wider scopes first, no loopback; link-local ones of IPv6 with "%INDEX".
std::vector<std::string> read_addresses();

} // namespace machinist
