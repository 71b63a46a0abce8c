// SPDX-License-Identifier: LGPL-2.1-or-later
// Receives the forwarded journal of a machine.
#pragma once

#include "base/unique_fd.hpp"

namespace machinist::keeper {

// The program that writes the machine's journal down is our child: asked to end, waited for, and ended if it does not.
// Nothing to do for no descriptor.
void end_journal_receiver(UniqueFd pidfd);

} // namespace machinist::keeper
