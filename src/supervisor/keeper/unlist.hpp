// SPDX-License-Identifier: LGPL-2.1-or-later
// Has machinist-unit take a machine out of the list of org.freedesktop.machine1.
#pragma once

#include <string_view>

namespace machinist::keeper {

// PROGRAM NAME; the name holds no blanks. Waits for it, but not for ever. True if the program could be run: what the
// others make of it is theirs.
bool unlist(std::string_view program_and_name);

} // namespace machinist::keeper
