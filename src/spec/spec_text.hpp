// SPDX-License-Identifier: LGPL-2.1-or-later
// A MachineSpec for people, as --dry-run and `show` print it.
#pragma once

#include "spec/machine_spec.hpp"

#include <string>

namespace machinist {

// Several lines "name: value"; what is off or empty is left out, values of credentials are never shown.
std::string text_of(const MachineSpec& spec);

} // namespace machinist
