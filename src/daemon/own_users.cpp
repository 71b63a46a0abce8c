// SPDX-License-Identifier: LGPL-2.1-or-later
#include "daemon/own_users.hpp"

#include "base/failure.hpp"

namespace machinist {

std::optional<IdMappings> own_users_of(const RegisteredMachine& machine) {
    if (machine.is_host || machine.record.machine_class != "container")
        return std::nullopt;
    try {
        IdMappings mappings = read_id_mappings(machine.leader);
        if (!mappings.are_the_hosts())
            return mappings;
    } catch (const Failure&) {
        // It ends at this moment.
    }
    return std::nullopt;
}

} // namespace machinist
