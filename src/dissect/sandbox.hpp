// SPDX-License-Identifier: LGPL-2.1-or-later
// What this program may do once it meets foreign bytes: read descriptor 0, write descriptor 1, use memory.
#pragma once

namespace machinist::dissect {

// Own namespaces, no rights, no file can be opened, little memory and time, few system calls. Throws Failure: nothing
// is looked at without it.
void close_the_sandbox();

} // namespace machinist::dissect
