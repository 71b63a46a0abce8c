// SPDX-License-Identifier: LGPL-2.1-or-later
// What a machine takes over from its host: name servers, time zone, and a journal that the host can read.
#pragma once

#include "base/unique_fd.hpp"
#include "spec/machine_spec.hpp"

#include <string>
#include <vector>

namespace machinist {

// Must be called with the machine's root as the filesystem user, before the root is sealed. A machine starts without
// what could not be set up; the sentences that say so are returned. Throws only for what was asked for as a must.
std::vector<std::string> integrate_with_host(const MachineSpec& spec, BorrowedFd root);

// One concern each, used by the above.
void set_up_resolv_conf(const MachineSpec& spec, BorrowedFd root);
void set_up_timezone(const MachineSpec& spec, BorrowedFd root);
void link_journal(const MachineSpec& spec, BorrowedFd root);

} // namespace machinist
