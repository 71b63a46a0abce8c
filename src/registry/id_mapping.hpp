// SPDX-License-Identifier: LGPL-2.1-or-later
// Users and groups of a machine with users of its own, as numbers of the host.
#pragma once

#include "kernel/pidfd.hpp"
#include "kernel/user_namespace.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace machinist {

struct IdMappings {
    std::vector<IdMap> users;
    std::vector<IdMap> groups;

    // The machine has the host's own users.
    [[nodiscard]] bool are_the_hosts() const;
    // Where its ids begin on the host, if it is one range for both that reaches up to nobody; 0 for the host's own.
    [[nodiscard]] std::optional<std::uint32_t> shift() const;
};

// Throws Failure(not_found) if it has ended.
IdMappings read_id_mappings(const Pidfd& leader);

std::optional<std::uint32_t> outside_of(const std::vector<IdMap>& maps, std::uint32_t inside);
std::optional<std::uint32_t> inside_of(const std::vector<IdMap>& maps, std::uint32_t outside);

} // namespace machinist
