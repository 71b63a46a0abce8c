// SPDX-License-Identifier: LGPL-2.1-or-later
// NAME=VALUE as in unit files, as the typed property that systemd takes over the bus for a transient scope.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace machinist {

struct UnitProperty {
    using Words = std::vector<std::string>;
    using Pairs = std::vector<std::pair<std::string, std::string>>;     // a(ss)
    using Amounts = std::vector<std::pair<std::string, std::uint64_t>>; // a(st)
    using Value = std::variant<bool, std::int32_t, std::uint32_t, std::uint64_t, std::string, Words, Pairs, Amounts,
                               std::vector<std::uint8_t>>;
    std::string name;
    Value value;
    friend bool operator==(const UnitProperty&, const UnitProperty&) = default;
};

// Failure(invalid) for a name that is not known here or a value that it does not take.
UnitProperty parse_unit_property(std::string_view assignment);

} // namespace machinist
