// SPDX-License-Identifier: LGPL-2.1-or-later
// --help, --version and --introspect-cli, from the table of options.
#pragma once

#include "spec/machine_spec.hpp"

#include <string>

namespace machinist {

std::string help_text(Manner manner);
// The first line begins with "systemd N (" in nspawn's manner: programs read the number.
std::string version_text(Manner manner);
// The table as JSON.
std::string introspection_text(Manner manner);

} // namespace machinist
