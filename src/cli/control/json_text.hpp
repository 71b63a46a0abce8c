// SPDX-License-Identifier: LGPL-2.1-or-later
// A text as a JSON string.
#pragma once

#include <string>
#include <string_view>

namespace machinist {

// Bytes that are no UTF-8 become U+FFFD.
std::string json_string(std::string_view text);

} // namespace machinist
