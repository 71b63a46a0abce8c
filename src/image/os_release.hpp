// SPDX-License-Identifier: LGPL-2.1-or-later
// os-release(5) text, as values that can be shown and passed on. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

// Nothing if the text cannot be read as os-release at all. Single values that are no printable UTF-8, and names that
// are none, are left out; the last of several lines for one name counts.
std::optional<std::map<std::string, std::string>> parse_os_release(std::string_view text);

} // namespace machinist
