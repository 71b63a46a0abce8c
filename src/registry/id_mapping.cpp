// SPDX-License-Identifier: LGPL-2.1-or-later
#include "registry/id_mapping.hpp"

#include "base/failure.hpp"

#include <string>

namespace machinist {

namespace {

constexpr std::uint32_t nobody = 65534;

std::optional<std::uint32_t> moved(std::uint32_t id, std::uint32_t from, std::uint32_t to, std::uint32_t count) {
    if (id < from || id - from >= count)
        return std::nullopt;
    return to + (id - from);
}

} // namespace

bool IdMappings::are_the_hosts() const {
    const std::vector<IdMap> all{{.inside = 0, .outside = 0, .count = UINT32_MAX}};
    return users == all && groups == all;
}

std::optional<std::uint32_t> IdMappings::shift() const {
    if (users.size() != 1 || users != groups || users.front().inside != 0 || users.front().count < nobody)
        return std::nullopt;
    return users.front().outside;
}

IdMappings read_id_mappings(const Pidfd& leader) {
    const std::string process = "/proc/" + std::to_string(leader.pid());
    IdMappings mappings;
    try {
        mappings = {.users = read_id_maps(process + "/uid_map"), .groups = read_id_maps(process + "/gid_map")};
    } catch (const Failure&) {
        if (leader.alive())
            throw;
    }
    // By number they may have been those of another process.
    if (!leader.alive())
        throw Failure{FailureKind::not_found, "the machine has ended"};
    return mappings;
}

std::optional<std::uint32_t> outside_of(const std::vector<IdMap>& maps, std::uint32_t inside) {
    for (const IdMap& map : maps)
        if (const auto id = moved(inside, map.inside, map.outside, map.count))
            return id;
    return std::nullopt;
}

std::optional<std::uint32_t> inside_of(const std::vector<IdMap>& maps, std::uint32_t outside) {
    for (const IdMap& map : maps)
        if (const auto id = moved(outside, map.outside, map.inside, map.count))
            return id;
    return std::nullopt;
}

} // namespace machinist
