// SPDX-License-Identifier: LGPL-2.1-or-later
// Bytes as base64 text (RFC 4648, with padding) and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace machinist {

std::string base64(std::string_view bytes);
// Nothing for text that is not exactly what base64() gives.
std::optional<std::string> from_base64(std::string_view text);

} // namespace machinist
