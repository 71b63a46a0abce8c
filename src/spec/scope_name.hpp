// SPDX-License-Identifier: LGPL-2.1-or-later
// The name of a machine's scope, as systemd-machined forms it.
#pragma once

#include <string>
#include <string_view>

namespace machinist {

// "web-1" gives "machine-web\x2d1.scope".
std::string scope_name(std::string_view key);

} // namespace machinist
