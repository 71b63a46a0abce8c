// SPDX-License-Identifier: LGPL-2.1-or-later
// The last lines that the host's journal has of a machine's unit.
#pragma once

#include "cli/control/invocation.hpp"
#include "spec/machine_record.hpp"

#include <string>

namespace machinist {

// An empty line before them. "" where there is no journal, or the caller may not read it.
std::string journal_of(const MachineRecord& record, const Invocation& call);

} // namespace machinist
