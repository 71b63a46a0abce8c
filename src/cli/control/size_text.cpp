// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/size_text.hpp"

#include <string_view>

namespace machinist {

std::string size_text(std::uint64_t bytes) {
    constexpr std::string_view units = "BKMGTPE";
    std::size_t unit = 0;
    std::uint64_t divisor = 1;
    while (unit + 1 < units.size() && bytes / divisor >= 1024) {
        divisor *= 1024;
        ++unit;
    }
    const std::uint64_t tenth = unit == 0 ? 0 : (bytes % divisor) / (divisor / 1024) * 10 / 1024;
    std::string text = std::to_string(bytes / divisor);
    if (tenth > 0)
        text.append(".").append(std::to_string(tenth));
    return text + units[unit];
}

} // namespace machinist
