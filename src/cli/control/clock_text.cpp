// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/clock_text.hpp"

#include <array>
#include <ctime>
#include <utility>

namespace machinist {

std::string timestamp_text(std::uint64_t microseconds) {
    const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
    std::tm local{};
    char text[64];
    if (microseconds == 0 || !::localtime_r(&seconds, &local) ||
        std::strftime(text, sizeof text, "%a %Y-%m-%d %H:%M:%S %Z", &local) == 0)
        return "n/a";
    return text;
}

std::string span_text(std::uint64_t microseconds) {
    constexpr std::array<std::pair<std::uint64_t, const char*>, 5> units{
        {{604800, "w"}, {86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};
    std::uint64_t seconds = microseconds / 1'000'000;
    std::string text;
    int shown = 0;
    for (const auto& [length, name] : units) {
        if (seconds < length || shown == 2)
            continue;
        text.append(text.empty() ? "" : " ").append(std::to_string(seconds / length)).append(name);
        seconds %= length;
        ++shown;
    }
    return text.empty() ? "0s" : text;
}

std::uint64_t realtime_now() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

} // namespace machinist
