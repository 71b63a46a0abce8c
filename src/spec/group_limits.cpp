// SPDX-License-Identifier: LGPL-2.1-or-later
#include "spec/group_limits.hpp"

#include "base/text.hpp"
#include "spec/resource_limits.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace machinist {

namespace {

struct Known {
    std::string_view name;
    const char* file;
    // Nothing for a value without meaning.
    std::optional<GroupLimit> (*read)(const Known& limit, std::string_view value, const HostAmounts& amounts);
    std::string_view word = {}; // before the value
};

using Result = std::optional<GroupLimit>;

GroupLimit made(const Known& limit, std::string value, Path device = {}) {
    return {std::string{limit.name}, limit.file, std::string{limit.word} + std::move(value), std::move(device)};
}

// "12.5%" in hundredths of a percent.
std::optional<std::uint64_t> hundredths_of_percent(std::string_view text) {
    if (!text.ends_with('%'))
        return std::nullopt;
    text.remove_suffix(1);
    const std::size_t point = text.find('.');
    std::string places = point == std::string_view::npos ? "0" : std::string{text.substr(point + 1)};
    if (places.size() > 2)
        return std::nullopt;
    places.resize(2, '0');
    const auto whole = parse_integer<std::uint32_t>(text.substr(0, point));
    const auto fraction = parse_integer<std::uint32_t>(places);
    if (!whole || !fraction)
        return std::nullopt;
    return std::uint64_t{*whole} * 100 + *fraction;
}

std::optional<std::uint64_t> share_of(std::uint64_t all, std::string_view text) {
    const auto share = hundredths_of_percent(text);
    if (!share || *share > 10000)
        return std::nullopt;
    return all / 10000 * *share + all % 10000 * *share / 10000;
}

Result bytes(const Known& limit, std::string_view value, const HostAmounts& amounts) {
    if (value == "infinity")
        return made(limit, "max");
    const auto amount = value.ends_with('%') ? share_of(amounts.memory, value) : parse_size(value);
    return amount ? Result{made(limit, std::to_string(*amount))} : std::nullopt;
}

Result tasks(const Known& limit, std::string_view value, const HostAmounts& amounts) {
    if (value == "infinity")
        return made(limit, "max");
    const auto number = value.ends_with('%') ? share_of(amounts.tasks, value) : parse_integer<std::uint64_t>(value);
    return number && (*number > 0 || value.ends_with('%'))
               ? Result{made(limit, std::to_string(std::max<std::uint64_t>(*number, 1)))}
               : std::nullopt;
}

std::optional<std::uint64_t> weight_of(std::string_view value) {
    const auto weight = parse_integer<std::uint64_t>(value);
    return weight && *weight >= 1 && *weight <= 10000 ? weight : std::nullopt;
}

Result cpu_weight(const Known& limit, std::string_view value, const HostAmounts&) {
    if (value == "idle")
        return GroupLimit{std::string{limit.name}, "cpu.idle", "1", {}};
    const auto weight = weight_of(value);
    return weight ? Result{made(limit, std::to_string(*weight))} : std::nullopt;
}

Result weight(const Known& limit, std::string_view value, const HostAmounts&) {
    const auto weight = weight_of(value);
    return weight ? Result{made(limit, std::to_string(*weight))} : std::nullopt;
}

// In hundredths of a percent of one processor; the period is put in when all is known.
Result quota(const Known& limit, std::string_view value, const HostAmounts&) {
    const auto share = hundredths_of_percent(value);
    return share && *share > 0 ? Result{made(limit, std::to_string(*share))} : std::nullopt;
}

Result quota_period(const Known& limit, std::string_view value, const HostAmounts&) {
    const auto span = parse_time_span(value, 1000000);
    constexpr std::uint64_t shortest = 1000;
    constexpr std::uint64_t longest = 1000000;
    return span ? Result{made(limit, std::to_string(std::clamp(*span, shortest, longest)))} : std::nullopt;
}

Result numbers(const Known& limit, std::string_view value, const HostAmounts&) {
    const auto list = parse_cpu_list(value);
    if (!list)
        return std::nullopt;
    std::string text;
    for (const int number : *list)
        text.append(text.empty() ? "" : ",").append(std::to_string(number));
    return made(limit, text);
}

// "PATH VALUE"
template <auto parse>
Result of_device(const Known& limit, std::string_view value, const HostAmounts&) {
    const auto parts = split_words(value);
    if (parts.size() != 2 || !parts[0].starts_with('/') || has_control_characters(value))
        return std::nullopt;
    if (parts[1] == "infinity")
        return made(limit, "max", Path{std::string{parts[0]}});
    const auto amount = parse(parts[1]);
    return amount ? Result{made(limit, std::to_string(*amount), Path{std::string{parts[0]}})} : std::nullopt;
}

std::optional<std::uint64_t> natural(std::string_view text) {
    return parse_integer<std::uint64_t>(text);
}

constexpr std::array table{
    Known{"MemoryMin", "memory.min", bytes},
    Known{"MemoryLow", "memory.low", bytes},
    Known{"MemoryHigh", "memory.high", bytes},
    Known{"MemoryMax", "memory.max", bytes},
    Known{"MemorySwapMax", "memory.swap.max", bytes},
    Known{"MemoryZSwapMax", "memory.zswap.max", bytes},
    Known{"TasksMax", "pids.max", tasks},
    Known{"CPUWeight", "cpu.weight", cpu_weight},
    Known{"CPUQuota", "cpu.max", quota},
    Known{"CPUQuotaPeriodSec", "cpu.max", quota_period},
    Known{"AllowedCPUs", "cpuset.cpus", numbers},
    Known{"AllowedMemoryNodes", "cpuset.mems", numbers},
    Known{"IOWeight", "io.weight", weight, "default "},
    Known{"IODeviceWeight", "io.weight", of_device<weight_of>},
    Known{"IOReadBandwidthMax", "io.max", of_device<parse_size>, "rbps="},
    Known{"IOWriteBandwidthMax", "io.max", of_device<parse_size>, "wbps="},
    Known{"IOReadIOPSMax", "io.max", of_device<natural>, "riops="},
    Known{"IOWriteIOPSMax", "io.max", of_device<natural>, "wiops="},
};

Result read(std::string_view name, std::string_view value, const HostAmounts& amounts) {
    const auto* limit = std::ranges::find(table, name, &Known::name);
    return limit == table.end() ? std::nullopt : limit->read(*limit, value, amounts);
}

// One file for both: "MICROSECONDS PERIOD".
void join_quota_and_period(std::vector<GroupLimit>& limits) {
    std::uint64_t period = 100000;
    for (const GroupLimit& limit : limits)
        if (limit.name == "CPUQuotaPeriodSec")
            period = natural(limit.value).value_or(period);
    std::erase_if(limits, [](const GroupLimit& limit) { return limit.name == "CPUQuotaPeriodSec"; });
    for (GroupLimit& limit : limits)
        if (limit.name == "CPUQuota") {
            // The kernel's least is a millisecond.
            const std::uint64_t amount = natural(limit.value).value_or(10000) * period / 10000;
            limit.value = std::to_string(std::max<std::uint64_t>(amount, 1000)) + " " + std::to_string(period);
        }
}

} // namespace

bool is_group_limit(std::string_view name, std::string_view value) {
    return read(name, value, {.memory = UINT32_MAX, .tasks = UINT32_MAX}).has_value();
}

std::vector<GroupLimit> group_limits(std::span<const std::string> assignments, const HostAmounts& amounts) {
    std::vector<GroupLimit> limits;
    for (const std::string& assignment : assignments) {
        const std::size_t equals = assignment.find('=');
        if (equals == std::string::npos)
            continue;
        const std::string_view text = assignment;
        auto limit = read(trimmed(text.substr(0, equals)), trimmed(text.substr(equals + 1)), amounts);
        if (!limit)
            continue;
        std::erase_if(limits, [&](const GroupLimit& earlier) {
            return earlier.name == limit->name && earlier.device == limit->device;
        });
        limits.push_back(std::move(*limit));
    }
    join_quota_and_period(limits);
    return limits;
}

} // namespace machinist
