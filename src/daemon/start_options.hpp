// SPDX-License-Identifier: LGPL-2.1-or-later
// Options of a start, as a caller on the bus names them.
#pragma once

#include "bus/wire.hpp"

#include <string>
#include <vector>

namespace machinist {

// The words of `machinist run` that mean the same. Throws Failure(invalid): what is no option, what has another type,
// and all that the options' own parsers refuse.
std::vector<std::string> run_arguments(const std::string& machine, const NamedValues& options);

} // namespace machinist
