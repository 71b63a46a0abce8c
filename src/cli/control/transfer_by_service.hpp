// SPDX-License-Identifier: LGPL-2.1-or-later
// Transfers asked of whoever provides org.freedesktop.import1: machinist or systemd-importd, which ask polkit.
#pragma once

#include "cli/control/invocation.hpp"
#include "registry/machine_store.hpp"

namespace machinist {

// import-*, export-* and pull-* by files of the caller; SIGINT and SIGTERM cancel the transfer. Throws Failure.
void transfer_by_service(const Invocation& call);

int list_transfers(const Invocation& call, const MachineStore& machines);
int cancel_transfers(const Invocation& call, const MachineStore& machines);

} // namespace machinist
