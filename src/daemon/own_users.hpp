// SPDX-License-Identifier: LGPL-2.1-or-later
// Users and groups that are a machine's own.
#pragma once

#include "registry/id_mapping.hpp"
#include "registry/service/registered_machine.hpp"

#include <cstdint>
#include <optional>

namespace machinist {

// Below it are the host's own users and groups.
inline constexpr std::uint32_t first_id_of_machines = 65536;

// Nothing for machines with the host's users.
std::optional<IdMappings> own_users_of(const RegisteredMachine& machine);

} // namespace machinist
