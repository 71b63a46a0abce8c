// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cli/control/clock_text.hpp"

#include <array>
#include <ctime>

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

std::string ago_text(std::uint64_t microseconds) {
    struct Grade {
        std::uint64_t from;
        std::uint64_t unit;
        const char* name;
        std::uint64_t part; // 0: none is told
        const char* part_name;
    };
    constexpr std::uint64_t second = 1'000'000;
    constexpr std::uint64_t minute = 60 * second;
    constexpr std::uint64_t hour = 60 * minute;
    constexpr std::uint64_t day = 24 * hour;
    constexpr std::uint64_t week = 7 * day;
    constexpr std::uint64_t month = 2629800 * second;
    constexpr std::uint64_t year = 31557600 * second;
    constexpr std::array grades{Grade{year, year, " year", month, " month"},
                                Grade{month, month, " month", day, " day"},
                                Grade{week, week, " week", day, " day"},
                                Grade{2 * day, day, " day", 0, ""},
                                Grade{25 * hour, day, " day", hour, "h"},
                                Grade{6 * hour, hour, "h", 0, ""},
                                Grade{hour, hour, "h", minute, "min"},
                                Grade{5 * minute, minute, "min", 0, ""},
                                Grade{minute, minute, "min", second, "s"},
                                Grade{second, second, "s", 0, ""},
                                Grade{1000, 1000, "ms", 0, ""},
                                Grade{1, 1, "us", 0, ""}};
    const auto counted = [](std::uint64_t count, const char* name) {
        return std::to_string(count) + name + (*name == ' ' && count != 1 ? "s" : "");
    };
    for (const Grade& grade : grades) {
        if (microseconds < grade.from)
            continue;
        std::string text = counted(microseconds / grade.unit, grade.name);
        if (grade.part != 0)
            text += " " + counted(microseconds % grade.unit / grade.part, grade.part_name);
        return text + " ago";
    }
    return "now";
}

std::uint64_t realtime_now() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1000;
}

} // namespace machinist
