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

// A machine of a user without rights over machines, on a directory of theirs.
struct OwnStart {
    std::string machine;
    std::string directory;
    std::uint32_t user = 0;
    bool has_streams = false; // the caller sees its console
};
// Also throws Failure(not_permitted) for options that are not theirs to give.
std::vector<std::string> own_run_arguments(const OwnStart& start, const NamedValues& options);

} // namespace machinist
