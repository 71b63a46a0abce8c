// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/settings.hpp"

#include <utility>

namespace machinist {

namespace {

template <typename Group>
void take_if_left_alone(std::optional<Group>& mine, std::optional<Group>& other) {
    if (!mine)
        mine = std::move(other);
}

} // namespace

Settings merged(Settings winner, Settings other) {
    auto mine = groups_of(winner);
    auto others = groups_of(other);
    [&]<std::size_t... index>(std::index_sequence<index...>) {
        (take_if_left_alone(std::get<index>(mine), std::get<index>(others)), ...);
    }
    (std::make_index_sequence<std::tuple_size_v<decltype(mine)>>{});
    for (std::size_t resource = 0; resource < winner.limits.size(); ++resource)
        take_if_left_alone(winner.limits[resource], other.limits[resource]);
    return winner;
}

std::vector<CdiName> cdi_names(const Settings& settings) {
    std::vector<CdiName> names;
    for (const DeviceSetting& device : settings.devices.value_or(std::vector<DeviceSetting>{}))
        if (const auto* name = std::get_if<CdiName>(&device))
            names.push_back(*name);
    return names;
}

} // namespace machinist
