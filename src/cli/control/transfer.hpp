// SPDX-License-Identifier: LGPL-2.1-or-later
// Verbs that bring images in and out, by machinist-transfer.
#pragma once

#include "cli/control/invocation.hpp"
#include "registry/machine_store.hpp"

#include <string>
#include <vector>

namespace machinist {

int transfer_image(const Invocation& call, const MachineStore& machines);

// The command line of systemd's importctl, said as ours: its short options for classes, its first verb. words: without
// the program's name.
std::vector<std::string> from_importctl(const std::vector<std::string>& words);

} // namespace machinist
