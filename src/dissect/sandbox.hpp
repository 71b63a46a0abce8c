// SPDX-License-Identifier: LGPL-2.1-or-later
// What these programs may do once they meet foreign bytes: read descriptor 0, write descriptors 1 and 2, use memory.
#pragma once

namespace machinist::dissect {

enum class Sandbox {
    narrow,    // no file can be opened, little memory and time
    libraries, // what a library needs that opens files, starts threads and takes its time for a key: as another user
};

// Own namespaces, no rights, few system calls. Throws Failure: nothing is looked at without it.
void close_the_sandbox(Sandbox kind = Sandbox::narrow);

} // namespace machinist::dissect
