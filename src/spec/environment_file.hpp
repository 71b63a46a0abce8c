// SPDX-License-Identifier: LGPL-2.1-or-later
// The syntax of environment files: NAME=VALUE lines with shell-like quotes, as in os-release(5) and machined's state.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace machinist {

// One line with its end. Quoted where a reader would need it; a value's NUL and what follows it are left out.
std::string environment_line(std::string_view name, std::string_view value);

// In the order written. Nothing if a quote is not closed. Lines without '=' and comments are skipped.
std::optional<std::vector<std::pair<std::string, std::string>>> parse_environment_file(std::string_view text);

} // namespace machinist
