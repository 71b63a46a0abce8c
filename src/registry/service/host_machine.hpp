// SPDX-License-Identifier: LGPL-2.1-or-later
// ".host": the host as a machine, so that tools for machines work on it, too.
#pragma once

#include "registry/service/registered_machine.hpp"

namespace machinist {

RegisteredMachine host_machine();

} // namespace machinist
