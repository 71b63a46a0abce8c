// SPDX-License-Identifier: LGPL-2.1-or-later
// The six bytes that an Ethernet link is addressed by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace machinist {

struct MacAddress {
    std::array<std::uint8_t, 6> bytes{};

    // "aa:bb:cc:dd:ee:ff", the same with dashes, or "aabb.ccdd.eeff".
    static std::optional<MacAddress> parse(std::string_view text);
    // "aa:bb:cc:dd:ee:ff"
    [[nodiscard]] std::string text() const;
    // Of one link, and not of a group of them or of none.
    [[nodiscard]] bool is_of_a_link() const;
    friend bool operator==(const MacAddress&, const MacAddress&) = default;
};

} // namespace machinist
