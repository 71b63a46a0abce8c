// SPDX-License-Identifier: LGPL-2.1-or-later
// The user that the payload runs as, found in the machine's own user database.
#pragma once

#include "spec/account.hpp"
#include "spec/machine_spec.hpp"

namespace machinist {

// Reads /etc/passwd and /etc/group of the current root, which is the machine's: bounded, regular files only.
Account find_payload_user(const PayloadSpec& payload);

// Takes the ids and the capabilities; root keeps the bounding set, another user the ambient ones alone.
void become_user(const Account& account, const MachineSpec& spec);

} // namespace machinist
