// SPDX-License-Identifier: LGPL-2.1-or-later
// Users and groups that are a machine's own.
#pragma once

#include "registry/id_mapping.hpp"
#include "registry/service/machine_registry.hpp"
#include "registry/service/registered_machine.hpp"

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>

namespace machinist {

// Below it are the host's own users and groups.
inline constexpr std::uint32_t first_id_of_machines = 65536;

// Nothing for machines with the host's users.
std::optional<IdMappings> own_users_of(const RegisteredMachine& machine);

// The first machine about whose own users ask(const IdMappings&) has an answer, an optional, and the answer.
template <typename Ask>
auto find_by_own_users(const MachineRegistry& registry, const Ask& ask) {
    using Told = typename std::invoke_result_t<Ask, const IdMappings&>::value_type;
    std::optional<std::pair<const RegisteredMachine*, Told>> found;
    for (const auto& [name, machine] : registry.machines())
        if (const auto mappings = own_users_of(*machine))
            if (auto answer = ask(*mappings)) {
                found.emplace(machine.get(), std::move(*answer));
                break;
            }
    return found;
}

} // namespace machinist
