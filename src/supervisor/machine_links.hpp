// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's links: at its start, and once more at each that follows in place.
#pragma once

#include "supervisor/start_context.hpp"

namespace machinist {

void make_machine_links(Start& start);
// Of a start that failed, as long as the machine's network is held: what is moved in goes with it else.
void undo_machine_links(Start& start);

} // namespace machinist
