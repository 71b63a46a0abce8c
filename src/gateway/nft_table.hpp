// SPDX-License-Identifier: LGPL-2.1-or-later
// nftables of this network namespace, by libnftables.
#pragma once

#include <string>

namespace machinist {

// All of text or nothing. Throws Failure with what the library said.
void apply_ruleset(const std::string& text);

// What "list ruleset" gives as JSON. Throws Failure.
std::string read_rulesets();

} // namespace machinist
