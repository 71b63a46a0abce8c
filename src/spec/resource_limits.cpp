// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/resource_limits.hpp"

#include "base/text.hpp"

#include <algorithm>
#include <array>

namespace machinist {

namespace {

enum class Unit { count, bytes, seconds, microseconds, nice };

struct LimitRow {
    int resource;
    std::string_view name;
    Unit unit;
};

constexpr std::array<LimitRow, 16> rows{{
    {RLIMIT_CPU, "CPU", Unit::seconds},
    {RLIMIT_FSIZE, "FSIZE", Unit::bytes},
    {RLIMIT_DATA, "DATA", Unit::bytes},
    {RLIMIT_STACK, "STACK", Unit::bytes},
    {RLIMIT_CORE, "CORE", Unit::bytes},
    {RLIMIT_RSS, "RSS", Unit::bytes},
    {RLIMIT_NOFILE, "NOFILE", Unit::count},
    {RLIMIT_AS, "AS", Unit::bytes},
    {RLIMIT_NPROC, "NPROC", Unit::count},
    {RLIMIT_MEMLOCK, "MEMLOCK", Unit::bytes},
    {RLIMIT_LOCKS, "LOCKS", Unit::count},
    {RLIMIT_SIGPENDING, "SIGPENDING", Unit::count},
    {RLIMIT_MSGQUEUE, "MSGQUEUE", Unit::bytes},
    {RLIMIT_NICE, "NICE", Unit::nice},
    {RLIMIT_RTPRIO, "RTPRIO", Unit::count},
    {RLIMIT_RTTIME, "RTTIME", Unit::microseconds},
}};

struct TimeUnit {
    std::string_view name;
    std::uint64_t microseconds;
};

constexpr std::array<TimeUnit, 15> time_units{{
    {"us", 1},
    {"usec", 1},
    {"ms", 1000},
    {"msec", 1000},
    {"s", 1000000},
    {"sec", 1000000},
    {"second", 1000000},
    {"seconds", 1000000},
    {"m", 60000000},
    {"min", 60000000},
    {"h", 3600000000},
    {"hr", 3600000000},
    {"d", 86400000000},
    {"day", 86400000000},
    {"w", 604800000000},
}};

} // namespace

std::optional<std::uint64_t> parse_time_span(std::string_view text, std::uint64_t unit) {
    constexpr std::string_view digits = "0123456789";
    std::uint64_t sum = 0;
    if (trimmed(text).empty())
        return std::nullopt;
    for (text = trimmed(text); !text.empty(); text = trimmed(text)) {
        const auto number_end = std::min(text.find_first_not_of(digits), text.size());
        const auto number = parse_integer<std::uint64_t>(text.substr(0, number_end));
        text = trimmed(text.substr(number_end));
        const auto name_end = std::min(text.find_first_of(" \t0123456789"), text.size());
        const std::string_view name = text.substr(0, name_end);
        text.remove_prefix(name_end);
        const auto* row = std::ranges::find(time_units, name, &TimeUnit::name);
        if (!number || (!name.empty() && row == time_units.end()))
            return std::nullopt;
        const std::uint64_t factor = name.empty() ? unit : row->microseconds;
        std::uint64_t part = 0;
        if (__builtin_mul_overflow(*number, factor, &part) || __builtin_add_overflow(sum, part, &sum))
            return std::nullopt;
    }
    return sum;
}

namespace {

// A nice level with its sign, or the raw limit: 1 is the level 19, 40 the level -20.
std::optional<rlim_t> parse_nice(std::string_view text) {
    if (text.starts_with('+') || text.starts_with('-')) {
        const auto level = parse_integer<int>(text.starts_with('+') ? text.substr(1) : text);
        if (!level || *level < -20 || *level > 19)
            return std::nullopt;
        return static_cast<rlim_t>(20 - *level);
    }
    const auto raw = parse_integer<rlim_t>(text);
    return raw && *raw <= 40 ? raw : std::nullopt;
}

std::optional<rlim_t> parse_value(Unit unit, std::string_view text) {
    if (text == "infinity")
        return RLIM_INFINITY;
    switch (unit) {
    case Unit::count: return parse_integer<rlim_t>(text);
    case Unit::bytes: return parse_size(text);
    case Unit::nice: return parse_nice(text);
    case Unit::microseconds: return parse_time_span(text, 1);
    case Unit::seconds: {
        const auto span = parse_time_span(text, 1000000);
        return span ? std::optional<rlim_t>{(*span + 999999) / 1000000} : std::nullopt;
    }
    }
    return std::nullopt;
}

} // namespace

std::optional<int> limit_named(std::string_view text) {
    if (text.starts_with("RLIMIT_"))
        text.remove_prefix(7);
    const auto* row = std::ranges::find(rows, text, &LimitRow::name);
    return row == rows.end() ? std::nullopt : std::optional{row->resource};
}

std::string_view limit_name(int resource) {
    const auto* row = std::ranges::find(rows, resource, &LimitRow::resource);
    return row == rows.end() ? "?" : row->name;
}

std::optional<LimitSetting> parse_limit(int resource, std::string_view text) {
    const auto* row = std::ranges::find(rows, resource, &LimitRow::resource);
    if (row == rows.end())
        return std::nullopt;
    const auto colon = text.find(':');
    const auto soft = parse_value(row->unit, trimmed(text.substr(0, colon)));
    const auto hard = colon == std::string_view::npos ? soft : parse_value(row->unit, trimmed(text.substr(colon + 1)));
    if (!soft || !hard || *soft > *hard)
        return std::nullopt;
    return LimitSetting{*soft, *hard};
}

std::string limit_text(const LimitSpec& limit) {
    const auto text = [](rlim_t value) { return value == RLIM_INFINITY ? "infinity" : std::to_string(value); };
    std::string written = std::string{limit_name(limit.resource)} + "=" + text(limit.soft);
    return limit.soft == limit.hard ? written : written + ":" + text(limit.hard);
}

std::vector<LimitSpec> default_limits(const HostFacts& host) {
    constexpr rlim_t unlimited = RLIM_INFINITY;
    std::vector<LimitSpec> limits;
    for (const LimitRow& row : rows) {
        LimitSpec limit{row.resource, unlimited, unlimited};
        switch (row.resource) {
        case RLIMIT_CORE: limit.soft = 0; break;
        case RLIMIT_MEMLOCK: limit.soft = limit.hard = 8388608; break;
        case RLIMIT_MSGQUEUE: limit.soft = limit.hard = 819200; break;
        case RLIMIT_NICE:
        case RLIMIT_RTPRIO: limit.soft = limit.hard = 0; break;
        case RLIMIT_NOFILE:
            limit.hard = std::min<rlim_t>(host.nr_open, 524288);
            limit.soft = std::min<rlim_t>(1024, limit.hard);
            break;
        case RLIMIT_STACK: limit.soft = 8388608; break;
        case RLIMIT_NPROC:
            limit.soft = host.pid1_nproc_soft;
            limit.hard = host.pid1_nproc_hard;
            break;
        case RLIMIT_SIGPENDING:
            limit.soft = host.pid1_sigpending_soft;
            limit.hard = host.pid1_sigpending_hard;
            break;
        default: break;
        }
        const bool unseen = limit.hard == 0 && (row.resource == RLIMIT_NPROC || row.resource == RLIMIT_SIGPENDING);
        if (!unseen)
            limits.push_back(limit);
    }
    return limits;
}

} // namespace machinist
