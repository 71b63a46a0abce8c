// SPDX-License-Identifier: LGPL-2.1-or-later
// Looks at the host: what decisions about a machine depend on.
#pragma once

#include "base/machine_id.hpp"
#include "spec/image_facts.hpp"

#include <filesystem>
#include <optional>

namespace machinist {

struct WantedHostFacts {
    // journal_directory_of_machine is looked for if set
    std::optional<MachineId> machine;
    // Below which etc, usr, run and var are looked at.
    std::filesystem::path root = "/";
};

HostFacts read_host_facts(const WantedHostFacts& wanted = {});

} // namespace machinist
