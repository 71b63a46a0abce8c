// SPDX-License-Identifier: LGPL-2.1-or-later
// Properties by name, as `show` prints them.
#pragma once

#include "cli/control/invocation.hpp"
#include "registry/machine.hpp"

#include <string>
#include <utility>
#include <vector>

namespace machinist {

using Properties = std::vector<std::pair<std::string, std::string>>;

// What only the files of a machine tell.
Properties own_properties_of(const Machine& machine);

// Those that the call asks for: as lines, or as one JSON object.
std::string properties_text(const Properties& properties, const Invocation& call);
// Of several objects, as properties_text() gave them.
void print_properties(const std::vector<std::string>& texts, const Invocation& call);

// "tmpfs", "disk (/var/lib/...)"; "" where the machine writes into its image, or it is not known.
std::string layer_text(const Machine& machine);
// "655360:65536", "none".
std::string user_namespace_text(const Machine& machine);

} // namespace machinist
