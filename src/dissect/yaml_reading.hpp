// SPDX-License-Identifier: LGPL-2.1-or-later
// YAML as JSON, for readers that know only that. One document without anchors, aliases and tags; what a plain word is
// follows the core schema, and whole numbers that begin with 0 are octal, as YAML 1.1 has them.
#pragma once

#include <string>
#include <string_view>

namespace machinist::dissect {

// Throws Failure(invalid) with the line.
std::string json_of_yaml(std::string_view text);

} // namespace machinist::dissect
