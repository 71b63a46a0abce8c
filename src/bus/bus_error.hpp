// SPDX-License-Identifier: LGPL-2.1-or-later
// A failure as the bus tells it: one error name for each kind, and the sentence.
#pragma once

#include "base/failure.hpp"

#include <string>

namespace machinist {

struct BusError {
    std::string name;
    std::string sentence;
};

BusError bus_error_of(const Failure& failure);

// The other way: what another service answered. object: what was asked for, "start 'machine-web.scope'".
Failure failure_of(const BusError& error, std::string object);

} // namespace machinist
